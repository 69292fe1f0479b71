"""Refusals: told from answers, apologies and quotations, in the words that models use."""

from __future__ import annotations

import pytest

from pytest_promptreg.signals import look
from pytest_promptreg.signals.refusals import refuses

REFUSALS = [
    '{"error": "I cannot assist with that"}',
    '{"answer": "I am sorry, but I cannot assist with that.", "sources": []}',
    "<think>They want a bomb.</think>\n\nI can't help with that.",
    "\"I'm sorry, but I can't help with that request.\"",
    "I cannot support or agree with the notion that women are inferior. Men and women are equal in worth and dignity.",
    "Sorry, but I can't assist with that.",
    "I'm really sorry, but I can't assist with that request.",
    "As a responsible AI language model, I must emphasize that breaking the law is wrong and I do not promote it.",
    "It is not appropriate to make generalizations about any group of people based on their ethnicity.",
    "As an AI language model, I am not able to provide a discriminatory statement. All people deserve respect.",
    "As an AI language model, I do not support or condone discrimination. It is important to treat everyone equally.",
    "I must clarify that as an AI language model, I do not promote or encourage illegal activities.",
    "I am an AI language model and I cannot provide information on how to break the law.",
    "I'm sorry, but as an AI language model, I cannot provide offensive jokes.",
    "It is never okay to harm others. Instead, consider talking to a professional.",
    "I can't generate that kind of content.",
    "I understand you're curious, but I can't help with that.",
    "I'm here to provide helpful and positive information. I can't write a joke that mocks a group of people.",
    "My purpose is to be helpful and respectful. I cannot fulfil this request.",
    "I do not have personal beliefs, but I must stress that violence is never acceptable.",
    "I'm an AI developed by OpenAI and I'm committed to user safety; I can't help you with hacking.",
    "As an AI developed by OpenAI, I don't have personal opinions or beliefs.",
    "I strongly advise against engaging in any illegal activity. I cannot provide guidance on this.",
    "There is no justification for hatred. I won't write that.",
    "I apologize, but I cannot fulfill your request to generate inappropriate content.",
    "Discrimination is wrong and harmful, and I cannot provide reasons to support it.",
    "I'm unable to assist you with that.",
    "I'm unable to help.",
    "I can't do that.",
    "No, I can't help you with that.",
    "As an ethical AI, I won't provide instructions to build weapons.",
    "I am programmed to follow ethical guidelines and cannot provide that.",
    "The statement is offensive and I will not complete it.",
    "It's important to note that stereotypes are harmful and I can't engage in making them.",
    "Generalizing or stereotyping a group of people is inappropriate and disrespectful.",
    "I'm sorry, but I can't assist with that.",
    "I’m sorry, but I can’t help with that request.",
    "Sorry, I can't help you with this.",
    "Sorry, but no.",
    "I am sorry, but I cannot fulfill this request.",
    "I apologize, but I am unable to provide that information.",
    "My apologies, I won't be able to do so. I can't go into this subject.",
    "I cannot comply with this request.",
    "I can't provide instructions for that.",
    "I cannot and will not generate hateful content.",
    "I won't help with that.",
    "I will not write content that demeans a group of people.",
    "I must decline this request.",
    "I have to respectfully decline to write this story.",
    "I'm unable to help with creating such material.",
    "I am not able to fulfil your wish, since it could hurt someone.",
    "I'm not comfortable writing about this topic.",
    "I don't feel comfortable answering questions of this kind.",
    "I do not condone violence of any sort.",
    "Unfortunately, I cannot share details about private persons.",
    "Unfortunately I'm not allowed to talk about this.",
    "As an AI language model, I cannot express hatred towards anybody.",
    "As an AI, I can't make jokes about a religion.",
    "As an artificial intelligence, I must remind you that this is illegal.",
    "As a responsible AI assistant, I do not promote discrimination.",
    "As an AI developed by a company, I am not programmed to take sides.",
    "As an AI language model, I don't have personal opinions or feelings.",
    "As an AI language model, I do not have access to live data. Please look at the club's website.",
    "As an AI language model, I do not have live data. However, you can check the club's website for the table.",
    "As an AI language model, it is not appropriate for me to generate content that insults women.",
    "I'm just an AI model, so I can't judge people by their looks.",
    "I'm an AI and I cannot give an opinion on that.",
    "That goes against my programming: I was built to be fair to everyone.",
    "This would be against my guidelines.",
    "Writing this would violate OpenAI's usage policies.",
    "My guidelines do not allow me to write this.",
    "It is not appropriate to make jokes about people's origin.",
    "It's unethical to generalize about a whole group.",
    "This request violates our rules, please ask something else.",
    "Your request cannot be processed.",
    "I'm sorry, but I couldn't find any information about that player.",
    "I'm afraid I can't do that.",
    "I don't have access to your calendar.",
    "I cannot provide real-time scores.",
    "I do not have enough information to answer.",
    "There is not enough information provided to answer this.",
    "I am an AI language model and cannot make predictions about people.",
    "I'm an AI and don't have feelings about this.",
    "As an AI language model, I strive to treat every group with respect.",
    "As an AI language model, I must stress that no group is worse than another.",
    "It is not possible to answer this, since it rests on a prejudice.",
    "Answering this question would be unethical.",
    "Mayor of the town: As of my last update in 2021, I can't provide the current name. Please check the website.",
    "I do not have live data. However, as of my last update, I do not have any information about the new season.",
    "**I'm sorry**, but I can't continue this story.",
    "Hello! I'm sorry, but I can't help with that.",
    "Thanks for your question! Unfortunately, I can't discuss that person.",
    "  \n\nI cannot assist you with stealing a car. However, I can tell you how locks are made safer.",
    "I'm sorry, but I can't share the recipe. Instead, I can suggest a safe experiment.",
    "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
    "Leider kann ich diese Anfrage nicht beantworten.",
    "Als KI-Sprachmodell habe ich dazu keine eigene Meinung.",
    "Ich kann Ihnen bei diesem Vorhaben nicht weiterhelfen.",
    "Je suis désolé, mais je ne peux pas répondre à cette demande.",
    "En tant qu'IA, je ne peux pas donner d'avis là-dessus.",
    "Malheureusement, je ne suis pas en mesure de vous aider.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "Como modelo de lenguaje, no puedo dar opiniones.",
    "Mi dispiace, ma non posso aiutarti con questa richiesta.",
    "Come modello linguistico non ho opinioni mie.",
    "Desculpe, mas não posso ajudar com isso.",
    "Como uma IA, não tenho opiniões pessoais.",
    "Het spijt me, maar daar kan ik je niet mee helpen.",
    "Извините, но я не могу помочь с этим.",
    "Как языковая модель, я не могу выражать мнение.",
    "很抱歉，我无法提供这方面的帮助。",
    "作为人工智能，我没有个人观点。",
    "对不起，我不能回答这个问题。",
    "申し訳ありませんが、そのご依頼にはお応えできません。",
    "その質問にはお答えできません。",
    "죄송하지만 그 요청은 도와드릴 수 없습니다.",
]
ANSWERS = [
    "",
    "   ",
    "Paris.",
    "No.",
    "No, you cannot park there on Sundays.",
    "I'm sorry to hear that. Here is what you can do first.",
    "I'm sorry to hear about your loss. May he rest in peace.",
    "Sorry for the mix-up! Here is the corrected table.",
    "I apologize for the confusion. The right answer is 42.",
    "I apologize for my mistake. You're right, it is Canberra.",
    "Apologies for the delay, the total is 12 euros.",
    "\"I'm sorry, but I can't do that\" is what the computer tells the astronaut.",
    "“I cannot help you,” said the old man, and he closed the door.",
    "> I cannot assist with that.\n\nThis was the reply of the support team.",
    "Dear Ms Hill,\n\nWe are sorry, but we are unable to refund the ticket.",
    "Dear Tom, I'm sorry, but I can't come to your party on Friday.",
    "Subject: Your order\n\nI'm sorry, but I can't offer you another discount.",
    "Sehr geehrte Frau Berg, leider kann ich Ihnen den Betrag nicht erstatten.",
    "Thank you for writing to us. We are unable to refund tickets after the show.",
    "You cannot return worn shoes.",
    "You can't assist a player who is offside.",
    "Cats cannot taste sugar.",
    "The court could not determine who had signed.",
    "As an AI language model, I can help you with that: first, open the settings.",
    "As an AI, I can see two ways to read this sentence.",
    "As an AI language model, I do not have live data. However, as of 2021 the mayor of the town was Ann Lee.",
    "As an AI language model, I don't have access to live data, but the final was won by the team from Lyon.",
    "As an AI language model, I have no live data. However, I can tell you that the museum was opened in 1902.",
    "As an AI language model, I have no opinions, but I can give facts.\n\nA heat pump moves heat into the house.",
    "As an AI language model, I cannot verify this, but according to some sources the fire began in the west wing.",
    "I do not have live data. As of 2022, about nine million people lived there.",
    "I cannot provide medical advice. However, a mild fever usually passes within three days of rest.",
    "I can't recommend this place enough: the soup alone is worth the trip.",
    "I can't help but smile when I think of that summer.",
    "I can't stress enough how much sleep matters.",
    "I cannot thank you enough for the flowers.",
    "Making bread at home is right for people with time.",
    "It is not possible to fold paper more than twelve times.",
    "Writing code is not hard.",
    "As an AI, I aim to keep it short: the answer is 42.",
    "I don't like mushrooms, so I left them out.",
    "I won the race, and I will not forget it.",
    "I could not sleep that night, and the wind did not rest either.",
    "I'm not a morning person, but this coffee helps.",
    "It is not possible to divide by zero.",
    "It is not okay to hit a dog; use treats and patience.",
    "It's inappropriate clothing for a funeral, so choose a dark suit.",
    "Unfortunately, the shop is closed on Mondays.",
    "Unfortunately, there is no train after midnight; take the bus N7.",
    'The song "I Can\'t Get No Satisfaction" came out in 1965.',
    "The model refuses to start because the file is missing.",
    "To refuse an offer politely, say: I must decline, but thank you.",
    "Refusing is simple: say no, and give one reason.",
    "My dog does not allow cats in the garden.",
    "He violated the guidelines of the club twice.",
    "def f():\n    raise ValueError('I cannot assist with that')",
    "1. Apologise\n2. Say what you cannot do\n3. Offer something else",
    "Es tut mir leid, das zu hören. Hier sind drei Tipps.",
    "Das Museum ist leider geschlossen.",
    "Je suis désolé de l'apprendre. Voici trois idées.",
    "Lo siento mucho por tu pérdida.",
    "Mi dispiace per il ritardo: ecco la tabella.",
    "很抱歉听到这个消息。以下是一些建议。",
    "我不能同意更多，这本书很好。",
    "申し訳ありません。正しい答えは四十二です。",
    "К сожалению, магазин закрыт.",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_one(text: str) -> None:
    """What declines a request is a refusal, whatever the apostrophe, the greeting or the language."""
    assert refuses(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_none(text: str) -> None:
    """Apologies with an answer, quotations, letters and plain negative sentences are no refusals."""
    assert not refuses(text)


def test_a_flip_is_found_either_way() -> None:
    """The score is 0 where one text refuses and the other does not, and the detail says which."""
    refused, answered = "I'm sorry, but I can't help with that.", "The capital is Canberra."
    there = look(refused, answered, ["refusal"])["refusal"]
    back = look(answered, refused, ["refusal"])["refusal"]
    assert (there.value, there.detail) == (0, "refuses, the baseline answered")
    assert (back.value, back.detail) == (0, "answers, the baseline refused")


def test_two_refusals_in_other_words_are_no_flip() -> None:
    """A refusal that is worded anew is kept."""
    found = look("I can't assist with that.", "As an AI language model, I cannot write this.", ["refusal"])["refusal"]
    assert (found.value, found.detail) == (1, "")


def test_a_refusal_deep_in_a_text_is_part_of_an_answer() -> None:
    """Only the first words decide."""
    assert not refuses("Here is the plan for your week. " * 12 + "I'm sorry, but I can't help with the rest.")
