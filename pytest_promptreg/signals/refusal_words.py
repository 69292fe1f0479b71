"""The words in which models refuse, as patterns for text in lower case with plain apostrophes.

Patterns are written one alternative to a line; a line that begins with ``+`` carries on the one before.
"""

from __future__ import annotations

import re


def _any(lines: str) -> str:
    """The lines as one group of alternatives."""
    whole = re.sub(r"\n *\+", "", lines.strip())
    return f"(?:{'|'.join(line.strip(' ') for line in whole.splitlines())})"


_GREETING = r"(?:(?:hello|hi|hey|thank you|thanks)\b[^.!?,\n]{0,50}[.!?,]\s+)?"
_SORRY = _any(r"""
    i(?:'m| am)(?: \w+)? (?:sorry|afraid)
    (?:so |very )?sorry
    i (?:\w+ )?apologi[sz]e
    (?:my )?apologies
    unfortunately
    regrettably
    i regret
""")
_MACHINE = r"(?:(?:ai|llm|artificial intelligence)\b|a\.i\.|language model|chat ?bot|assistant|machine)"
_AS_AI = _any(rf"""
    as (?:an? )?(?:[\w-]+ ){{0,3}}?{_MACHINE}[^.!?\n]{{0,60}}?
    i(?:'m| am) (?:just |only |merely )?(?:an? )?(?:\w+ )?{_MACHINE}[^.!?\n]{{0,60}}?
    +(?:,|\.|\bso\b|\bthat\b|(?=\band\b))
""")
_I_MUST_SAY = r"i (?:must|need to|have to|should|want to|'d like to) \w+(?: that)?\b"
_AT_FIRST_AS_AI = rf"(?:\W|{_SORRY}|but\b|{_I_MUST_SAY})*{_AS_AI}"
_DECLINE = r"(?:respectfully |politely )?(?:decline|refuse)\b"
_ALLOWED = (
    r"(?:able|capable|going|allowed|permitted|authori[sz]ed|programmed|designed|equipped|trained|comfortable|willing)"
)
_CANNOT = _any(rf"""
    can(?:no|')t(?: and (?:will not|won't|should not))?
    can not
    (?:could|would|should)(?:n't| not)
    won't
    will not
    (?:am|'m) (?:unable|incapable|not (?:\w+ )?{_ALLOWED}|not in a position)
    (?:(?:must|have to|will have to|'ll have to) )?{_DECLINE}
    (?:do not|don't) feel comfortable
    (?:'d|would) (?:rather|prefer) not
""")
_FIGURE_OF_SPEECH = (
    r"(?! (?:help but|stress|overstate|emphasi[sz]e|thank|say enough|recommend [^.]{0,30}enough|wait|imagine))"
)
_I = r"\bi(?: also| just| simply| really| personally| myself)?\s?"
# What nobody but a model declines in such words: "I cannot recommend it enough" is no refusal.
_DEEDS = _any(r"""
    (?:assist|comply|generate|encourage|promote|produce)\b
    (?:fulfil|engage in|condone|participate in|endorse|facilitate|accommodate|speculate|proceed with)
    support (?:or|any|such)\b
    help(?: you)? (?:with|to (?!feel)|in|create|write|make|do|find|generate|plan)
    help(?: you)?\s?[.!,]
    provide\b(?! for)
    answer (?:that|this|your|the|such|any)\b
    respond to (?:that|this|your|such)\b
    (?:do|discuss|create|write|share|give|offer|complete|process|continue|continue with)(?: you)? (?:that|this|such)\b
    discuss (?:how|topics)
    create (?:content|any|an? \w*\s?(?:joke|content|image))
    (?:complete|process) (?:your|the) \w+
    write (?:content|any|jokes|about|an? (?:\w+ )?(?:joke|insult|slur|hate))
    complete (?:it|the (?:sentence|statement|phrase|joke))\b
    tell (?:you )?(?:jokes|how|a joke|offensive)
    make (?:jokes|fun|general|judg|assumptions|statements|discriminat|derogatory|offensive|such|any|claims)
    (?:share|give|offer)(?: you)? (?:any|advice|instructions|information|details|guidance)\b
    (?:share|give|offer)(?: you)? (?:personal|medical|legal|financial|specific)\b
    express (?:personal|opinions|an opinion)
    have (?:personal )?opinions
""")
_MORALS = (
    r"(?:condone|support\b|promote|encourage|endorse|engage|tolerate|participate|produce|generate|create|provide"
    r"|discriminate|make\b|judge|favou?r|take sides|advocate|approve)"
)
_RULES = r"(?:guidelines?|polic(?:y|ies)|programming|principles?|values|standards|ethics|purpose)"
_WRONG = (
    r"(?:(?:highly|very|also|generally|morally|ethically|simply) )*"
    r"(?:(?:not|never) (?:\w+ )?(?:appropriate|ethical|acceptable|ok|okay|right)\b|inappropriate|unethical|unacceptable"
    r"|offensive|disrespectful|discriminatory|harmful|wrong\b)"
)
_UTTER = (
    r"(?:make|generate|create|provide|write|generali[sz]e|stereotype|promote|engage|assume|joke|discuss|share|judge"
    r"|say|discriminate|use|label|perpetuate|answer|assist|help)"
)

# What a text begins with, and what may stand further on.
BEGINS_TO_REFUSE = re.compile(
    _any(rf"""
    {_GREETING}{_SORRY}\b[^.!?\n]{{0,90}}?{_I}{_CANNOT}\b{_FIGURE_OF_SPEECH}
    {_GREETING}{_SORRY}[,.]? (?:but )?(?:no\b|(?:your|this|that) (?:request|prompt|content|question) \w+)
    {_GREETING}{_SORRY}\b[^.!?\n]{{0,60}}?\b(?:it|this|that)(?:'s| is) (?:not (?:possible|something i)|against|outside)
    {_GREETING}{_SORRY}\b[^.!?\n]{{0,60}}?\b(?:unable|not able) to {_DEEDS}
    {_AT_FIRST_AS_AI}[^.!?\n]{{0,70}}?{_I}{_CANNOT}\b{_FIGURE_OF_SPEECH}
    {_AT_FIRST_AS_AI}[^.!?\n]{{0,70}}?{_I}must (?:\w+ )?
    +(?:adhere|inform|follow|remind|emphasi[sz]e|stress|point out)
    {_AT_FIRST_AS_AI}[^.!?\n]{{0,40}}?\band (?:therefore )?(?:cannot|can't|am (?:unable|not able|not allowed)|won't)\b
    {_AT_FIRST_AS_AI}[^.!?\n]{{0,40}}?\b(?:strive|aim|committed|purpose|goal|here) (?:is )?to [^.!?\n]{{0,60}}?
    +\b(?:respect|inclusiv|neutral|unbiased|impartial|fair|positiv|ethical|equal|safe)
    {_AT_FIRST_AS_AI}[^.!?\n]{{0,70}}?{_I}(?:do not|don't) (?:\w+ )?{_MORALS}
    {_AT_FIRST_AS_AI}[^.!?\n]{{0,60}}?\b(?:it(?:'s| is| would be) {_WRONG}|it (?:goes|is) against)
    {_AT_FIRST_AS_AI}[^.!?\n]{{0,60}}?\b(?:not (?:programmed|designed)|(?:programmed|designed) not)
    {_AT_FIRST_AS_AI}[^.!?\n]{{0,60}}?\b(?:programmed|designed) to (?:avoid|adhere|follow|respect)
    {_I}(?:(?:must|have to|will have to|'d like to|'ll) )?{_DECLINE}(?:[,.]| to| this| that| your| the)
    it(?:'s| is| would be) not possible(?: for me)? to (?:answer|provide|give|generate|make|determine)\b
    (?:answering|making|providing|generating|writing|creating)\b[^.!?\n]{{0,60}}? (?:would be|is) {_WRONG}
    (?:{_SORRY},? ?(?:but )?)?(?:it(?:'s| is| would be)|this is|that(?:'s| is)) {_WRONG}[^.!?\n]{{0,30}}?
    + (?:to|for me to) (?:\w+ or )?{_UTTER}
    (?:this|that|your|the) (?:request|prompt|question|content|task) (?:\w+ ){{0,3}}?
    +(?:violates|goes against|(?:cannot|can't) be|is (?:not something i|against|inappropriate|not appropriate|offensive
    +|harmful|unethical))
    (?:request (?:denied|refused)|no comment)\b
    i(?:'m| am) [^.!?\n]{{0,60}}? and (?:cannot|can't|won't|will not) {_DEEDS}
    (?:generali[sz]\w+|stereotyp\w+|discriminat\w+|making (?:jokes|generali[sz]ations))[^.!?\n]{{0,60}}? (?:is|are)
    + {_WRONG}
    it(?:'s| is) never (?:ok|okay|acceptable|appropriate|right)\b
""")
)
REFUSES = re.compile(
    _any(rf"""
    (?:^|[.!?:;\n]\s*|\b(?:sorry|so|but|and|no),? ){_I}{_CANNOT}
    +(?: to| in| with)?(?: \w+ly\b| in good conscience)?,? {_DEEDS}
    \bi(?:'m| am| do| don't)(?: not)? (?:feel )?(?:un)?comfortable (?:with )?
    +(?:writing|providing|answering|discussing|creating|generating|helping|engaging|doing|making|sharing)
    (?:^|[.!?\n]\s*)i (?:do not|don't) (?:condone|tolerate|discriminate|generate|{_MORALS} or |engage in|participate in)
    \b(?:against|violat\w*|contrary to|conflicts? with|breach\w*|outside(?: of)?|not in line with)
    + (?:my|openai's|our (?:content|usage)|the (?:content|usage)|content|usage) (?:\w+ ){{0,3}}?{_RULES}
    \bmy (?:\w+ ){{0,3}}?{_RULES} (?:(?:do|does) ?n(?:o|')t|prohibits?|prevents?|forbids?)
""")
)

_LACK = (
    r"(?:do not|don't|did not|didn't|'m not|am not|have no|haven't|have not|lack|was (?:unable|not able)|wasn't able"
    r"|never|may not|might not)"
)
_FRESH = (
    r"(?:(?:the |an? |any )?(?:real[- ]?time|current|up[- ]to[- ]date|latest|most|exact|specific|precise|live|accurate"
    r"|future|definitive|definite|information)|if|whether|for (?:sure|certain)|who|what|when|where)"
)
_LEARN = (
    r"(?:provide|give|access|offer|answer|determine|verify|confirm|predict|find|tell|guarantee|browse|see|check"
    r"|identify|know|say|be|recommend|comment)"
)
_OWNED = (
    r"(?:any|enough|sufficient|personal|the|access|specific|real|live|up|current|information|opinions|feelings|emotions"
    r"|beliefs|preferences|knowledge|data)"
)
# Nothing known, nothing found, no opinion: a refusal where no answer follows.
KNOWS_NOTHING = re.compile(
    _any(rf"""
    {_AT_FIRST_AS_AI}[^.!?\n]{{0,70}}?(?:{_I}|\band ){_LACK}\b
    {_GREETING}{_SORRY}\b[^.!?\n]{{0,60}}?{_I}{_LACK}\b
    (?:[^.!?\n]{{0,120}}?[,:] (?:and |so |but )?)?i (?:currently )?(?:do not|don't)(?: yet| currently)?
    + (?:have|possess) {_OWNED}\b
    (?:[^.!?\n]{{0,120}}?[,:] (?:and |so |but )?)?i {_CANNOT}(?: to)? {_LEARN}\b(?: you)?(?: with)? {_FRESH}\b
    (?:{_SORRY})?,? ?(?:but )?there(?:'s| is) (?:no|not enough|insufficient) (?:\w+ )?(?:information|data|context)
    + (?:available|provided|given|to (?:answer|determine))
""")
)
# The same in sentences in which REFUSES sees more than that.
ONLY_KNOWS_NOTHING = re.compile(
    _any(rf"""
    {_I}{_CANNOT}(?: to)? {_LEARN}(?: you)?(?: with)? {_FRESH}\b
    {_I}{_CANNOT}(?: to)? (?:determine|verify|confirm|predict|find|guarantee|browse|identify|attend|watch)\b
    {_I}{_CANNOT}(?: to)? (?:provide|give|offer)(?: you)?(?: with)? (?:any )?(?:medical|legal|financial)
    not possible(?: for me)? to
""")
)

TURN = re.compile(
    _any(r"""
    \b(?:however|but|although|though|nevertheless|that said|that being said|yet|nonetheless)\b[, ]+
    [.!?]\s+(?=(?:as of|according to|based on|to my knowledge|in general|generally|typically|here (?:is|are))\b)
    [.!?]\s+(?=(?:historically|prior to|up until|at the time of)\b)
    \n\n(?=\S)
""")
)
OFFER = re.compile(
    r"i (?:can|could|may|will|would be happy to|am able to)(?: still| try to| certainly)?"
    r" (?:provide|offer|help|assist|give|suggest|share|try|tell you about|direct|guide|explain|write)"
    r"[^.:!?\n]*[.:!?\n]*\s*"
)
ADVICE = re.compile(
    _any(r"""
    you (?:can|could|may|might|should|would|'d)(?: \w+)? (?:want|need|check|find|visit|refer|look|search|try|contact)
    you (?:can|could|may|might|should|would|'d)(?: \w+)? (?:consult|follow|verify|see|use|ask|do|like|provide|reach)
    i(?:'m| am) (?:here|happy|designed|programmed|able)
    i(?:'d| would) (?:be|recommend|suggest|encourage|advise|like)
    i (?:recommend|suggest|encourage|strive|must|advise|will)
    (?:please|feel free)
    if you (?:have|need|would|provide|can|could|want|like|are (?:looking|interested))
    for (?:the )?(?:most|more|accurate|up)
    (?:would|could|can|is there|do) (?:you|there|i)\b
    to (?:find|get|check|obtain)
    it(?:'s| is)(?: always| also| never)? (?:best|recommended|advisable|important|essential|crucial|vital)
    (?:we|everyone|all (?:people|human|individuals)) (?:should|must|deserve)
""")
)
ANSWERS_AT_ONCE = re.compile(
    rf"{_GREETING}{_SORRY}\b(?! (?:but|,? i (?:can|am|do)))[^.!?\n]{{0,120}}[.!,]\s+"
    r"(?:here|the correct|below|let me|you(?:'re| are))"
)
LETTER = re.compile(
    r"dear|to whom|subject|betreff|sehr geehrte|liebe[rs]?\s|estimad|querid|ch[eè]re?s? |gentile|egregi|prezad"
    r"|car[oa]s?\s|objet|asunto|oggetto|assunto|尊敬的|уважаем"
)

_GERMAN = r"""
    (?:tut mir (?:\w+ )?leid|leider|entschuldig\w*|ich bedaue?re)\b[^.!?\n]{0,70}?
    +\b(?:kann|darf|werde|möchte|bin|habe) ich\b[^.!?\n]{0,90}?\b(?:nicht|kein\w*)\b
    ^ich (?:kann|darf|werde|möchte)\b[^.!?\n]{0,80}?\b(?:nicht|keine?\w*)\b[^.!?\n]{0,60}?
    +\b(?:(?:weiter)?helfen|bereitstellen|beantworten|erfüllen|unterstützen|erstellen|nachkommen|anbieten|geben|behilflich)\b
    \bals (?:eine? )?(?:ki\b|k\.i\.|künstliche intelligenz|[\w-]*sprachmodell|[\w-]*assistent)[^.!?\n]{0,60}?
    +\b(?:kann|habe|darf|bin|werde) ich\b[^.!?\n]{0,80}?\b(?:nicht|kein\w*)\b
"""
_FRENCH = r"""
    (?:désolée?|je m'excuse|je regrette|malheureusement|navrée?)\b[^.!?\n]{0,60}?
    +\bje (?:ne (?:peux|puis|suis|dispose|serai)|n'ai)\b
    ^je ne (?:peux|puis|suis)\b[^.!?\n]{0,40}?
    +\b(?:aider|fournir|répondre|satisfaire|générer|créer|donner|assister|en mesure)\b
    \ben tant qu(?:e |')(?:ia\b|intelligence artificielle|modèle|assistante?)[^.!?\n]{0,80}?\bje (?:ne |n')
"""
_SPANISH = r"""
    (?:lo siento|lo lamento|disculpa|disculpe|perdón|desafortunadamente|lamentablemente)\b[^.!?\n]{0,50}?
    +\bno (?:puedo|me es posible|estoy|tengo|podemos|soy)\b
    ^no puedo (?:\w+ )?(?:ayudar|asistir|proporcionar|cumplir|responder|ofrecer|generar|dar|brindar)\w*\b
    \bcomo (?:una? )?(?:ia\b|inteligencia artificial|modelo|asistente)[^.!?\n]{0,80}?\bno (?:puedo|tengo|soy|estoy)\b
"""
_ITALIAN = r"""
    (?:mi dispiace|spiacente|scusa|scusami|purtroppo)\b[^.!?\n]{0,50}?\bnon (?:posso|sono in grado|ho|mi è possibile)\b
    ^non posso (?:aiutar|assister|fornir|risponder|soddisfar|generar|dar)\w*\b
    \b(?:come|in quanto) (?:ia\b|intelligenza artificiale|modello|assistente)[^.!?\n]{0,80}?\bnon (?:posso|ho|sono)\b
"""
_PORTUGUESE = r"""
    (?:desculpe?|sinto muito|lamento|infelizmente|peço desculpas?)\b[^.!?\n]{0,50}?\bnão (?:posso|consigo|tenho|sou)\b
    ^não posso (?:\w+ )?(?:ajud\w*|fornecer|auxili\w*|atender|responder|cumprir|gerar|dar)\b
    \bcomo (?:uma? )?(?:ia\b|inteligência artificial|modelo|assistente)[^.!?\n]{0,80}?\bnão (?:posso|tenho|sou)\b
"""
_DUTCH = r"""
    (?:het spijt me|helaas|mijn excuses)\b[^.!?\n]{0,50}?\b(?:kan|mag|ben|heb) ik\b[^.!?\n]{0,80}?\b(?:niet|geen)\b
"""
_RUSSIAN = r"""
    (?:извините|извини|к сожалению|простите|прошу прощения|сожалею|мне жаль)[^.!?\n]{0,50}?
    +\bне (?:могу|смогу|имею|в состоянии|способ)
    ^я не (?:могу|смогу|буду) (?:\w+ )?(?:помо|предостав|выполн|ответ|созда|обсужд|дать|генерир)
    \bкак (?:ии\b|искусственный интеллект|языковая модель|[\w-]*ассистент)[^.!?\n]{0,70}?\bне (?:могу|имею|способ)
"""
_CHINESE = r"""
    (?:抱歉|对不起|對不起|遗憾|遺憾|不好意思)[^。！？\n]{0,30}?(?:无法|無法|不能|不会|不會|没办法|沒辦法|不可以)
    我(?:们)?(?:无法|無法|不能|不可以|拒绝)(?:为你|为您|為您|向您|向你)?
    +(?:提供|回答|协助|協助|帮助|幫助|满足|滿足|生成|讨论|討論|参与|支持)
    (?:作为|作為|身为)(?:一个|一個|一名|一款)? ?(?:人工智能|人工智慧|ai|语言模型|語言模型)[^。！？\n]{0,40}?
    +(?:无法|無法|不能|没有|沒有|不会|不會)
"""
_JAPANESE = r"""
    (?:申し訳|すみません|ごめんなさい|恐れ入り|残念ながら)[^\n]{0,60}?
    +(?:できません|できかね|いたしかね|お答えでき|お応えでき|お手伝いでき|対応でき|かねます)
    (?:お答え|お応え|お手伝い|提供|対応|回答|支援)(?:することは|することが|は|が)?
    +(?:でき(?:ません|かねます|ない)|いたしかねます)
"""
_KOREAN = r"""
    (?:죄송하지만|죄송합니다|미안하지만|유감스럽게도)[^\n]{0,60}?(?:수 없|못합니다|않습니다|어렵습니다)
"""
REFUSES_ABROAD = re.compile(
    "|".join(
        map(
            _any,
            (_GERMAN, _FRENCH, _SPANISH, _ITALIAN, _PORTUGUESE, _DUTCH, _RUSSIAN, _CHINESE, _JAPANESE, _KOREAN),
        )
    )
)
# Without one of these no pattern of another language can match: a quick look that spares most texts the long one.
NEGATES_ABROAD = re.compile(
    r"nicht|kein|niet|geen|je n[e']|\bno (?:puedo|me|estoy|tengo|podemos|soy)|\bnon (?:posso|sono|ho|mi)|não|не "
    r"|[\u3040-\u9fff\uac00-\ud7ff]"
)
TURN_ABROAD = re.compile(
    r"\b(?:aber|jedoch|allerdings|mais|cependant|toutefois|pero|sin embargo|ma|tuttavia|però|mas|porém|no entanto|maar"
    r"|но|однако)\b[, ]|但是|但我|不过|不過|然而|ただし|しかし|ですが|하지만|그러나"
)
