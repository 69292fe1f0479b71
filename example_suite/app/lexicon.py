"""What the stand-in knows about the world: concepts, and the words for them.

A concept is found in a prompt by ``named`` ("refunds and invoices" is about billing) and in a ticket by
``cues`` ("wurde doppelt abgebucht" is, too). A model has that knowledge from its training; here, a table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that a prompt can speak of and a ticket can be about.

    :param weight: how much a cue tells; a question mark tells less than a burning battery.
    """

    name: str
    named: re.Pattern[str]
    cues: re.Pattern[str]
    weight: float = 1.0

    def strength(self, ticket: str) -> float:
        """How strongly a ticket is about this: its different cues, three at most, times the weight."""
        found = {match.group().lower() for match in self.cues.finditer(ticket)}
        return self.weight * min(len(found), 3)


def concepts_in(phrase: str) -> list[Concept]:
    """The concepts that a phrase of a prompt names.

    >>> [concept.name for concept in concepts_in("invoices, refunds and late parcels")]
    ['billing', 'delivery']
    """
    return [concept for concept in CONCEPTS if concept.named.search(phrase)]


def _concept(name: str, named: str, *cues: str, weight: float = 1.0) -> Concept:
    return Concept(
        name,
        re.compile(rf"\b(?:{named})", re.IGNORECASE),
        re.compile("|".join(_bounded(cue) for cue in cues), re.IGNORECASE),
        weight,
    )


def _bounded(cue: str) -> str:
    """A cue that must begin a word, in the scripts that have spaces between words."""
    return rf"\b(?:{cue})" if cue[0].isascii() and (cue[0].isalpha() or cue[0] == "(") else f"(?:{cue})"


CONCEPTS = (
    _concept(
        "billing",
        r"bill|invoice|payment|charge|refund|price",
        r"charged|invoice|refund|payment|paid twice|billed|receipt|vat\b|money back|overcharg|direct debit",
        r"rechnung|abgebucht|erstatt|geld zurück|mahnung|lastschrift",
        r"facture|rembours|prélev|débité",
        r"factura|cobr[oa]|reembolso",
        r"fatura|cobrança|cobrad|reembolso|boleto",
        r"fattura|rimborso|addebit|terugbetal|factuur|faktur",
        r"发票|退款|扣款|扣了|收费",
        r"請求|返金|領収書|引き落と",
        r"فاتورة|استرداد|خصم|المبلغ",
    ),
    _concept(
        "delivery",
        r"deliver|ship|parcel|courier|transport",
        r"deliver|shipping|shipped|parcel|package|courier|tracking|arrived?\b|in transit|dispatch",
        r"liefer|paket|versand|zugestellt|sendung|angekommen",
        r"livraison|colis|livr[ée]|expédi|transporteur",
        r"env[íi]o|entrega|paquete|repartidor|mensajer",
        r"encomenda|pacote|transportadora|rastrei",
        r"consegn|pacco|spedizion|corriere|bezorg|verzend|paczk|dostaw|kargo",
        r"快递|物流|发货|包裹|没收到",
        r"配送|届|発送|荷物|配達",
        r"توصيل|الشحن|الطرد|تسليم|يصل",
    ),
    _concept(
        "defect",
        r"defect|broken|fault|malfunction|repair|product problem|hardware",
        r"broken|defect|does(?:n['’]t| not) (?:work|start|charge|turn)|stopped working|crack|faulty",
        r"error code|won['’]t (?:charge|start|turn)|snapped|rattl|leaks?\b|smok|dead\b",
        r"kaputt|defekt|geht nicht|funktioniert nicht|lädt nicht|gebrochen|fehlercode|quietsch",
        r"cassé|défectueu|ne (?:fonctionne|charge|démarre)|en panne|fissur",
        r"rot[oa]s?\b|defectuos|no (?:funciona|carga|enciende)|avería",
        r"quebr|defeito|não (?:funciona|liga|carrega)",
        r"rott[oa]\b|difettos|non (?:funziona|si accende)|kapot|werkt niet|nie działa|bozuk|çalışmıyor",
        r"坏|故障|冒烟|不能用|充不了电|无法充电|损坏|裂",
        r"壊れ|故障|動かな|充電でき|不良|異音",
        r"معطل|مكسور|لا يعمل|لا تعمل|لا تشحن|عطل",
    ),
    _concept(
        "return",
        r"return|exchange|withdraw",
        r"return|exchange|wrong (?:size|colou?r|item)|send (?:it|them) back|too (?:small|big|large)\b",
        r"zurückschick|rücksend|umtausch|widerruf|retour",
        r"retour|échange|rétract|devol|cambiar|troca|reso\b|restitu|ruilen",
        r"退货|换货|退换",
        r"返品|交換",
        r"إرجاع|استبدال",
    ),
    _concept(
        "account",
        r"account|log-?in|log in|sign-?in|profile|password",
        r"log(?:ged)? ?in|sign in|password|account|username|verification code|profile",
        r"konto|passwort|anmelden|einloggen|compte|mot de passe|connecter|connexion",
        r"cuenta|contraseña|iniciar sesión|conta\b|senha|accedere|wachtwoord|hasł",
        r"账号|账户|密码|登录|验证码",
        r"アカウント|パスワード|ログイン",
        r"حساب|كلمة المرور|تسجيل الدخول",
    ),
    _concept(
        "security",
        r"secur|fraud|abuse|hack|phish|stolen|theft",
        r"hacked|phish|scam|fraud|unauthori[sz]ed|data breach|leaked|stolen|suspicious|wasn['’]t me|not me\b",
        r"gehackt|betrug|unbefugt|datenleck|gestohlen|piraté|frauduleu|hameçonnage|volé",
        r"hackea|fraude|estafa|no reconozco|sospechos|golpe|invadi|não reconheço|truffa|rubat",
        r"盗|诈骗|钓鱼|泄露",
        r"不正|乗っ取|詐欺|フィッシング|盗ま",
        r"اختراق|احتيال|مخترق|سرق",
        weight=1.5,
    ),
    _concept(
        "question",
        r"question|inquir|enquir|how-to|advice|information",
        r"[?？؟¿]",
        r"how (?:do|can|long)|which|do you|could you tell|wonder|is it possible",
        r"wie (?:kann|lange)|welche|gibt es|frage|comment|quel|est-ce|cómo|cuál|qual\b|vorrei sapere",
        r"吗|怎么|请问",
        r"ですか|ますか|でしょうか|教えて",
        r"هل|كيف",
        weight=0.5,
    ),
    _concept(
        "praise",
        r"prais|thank|compliment|feedback|positive",
        r"love (?:it|my|this|the)|thank you so much|great|amazing|brilliant|fantastic|well done|best shop",
        r"toll|begeistert|klasse|lob\b|bravo|génial|ravie?\b|encanta|felicit|adorei|parabéns|ótim|bellissim",
        r"很好|满意|太棒",
        r"素晴らし|最高|気に入",
        r"رائع|ممتاز",
        weight=0.8,
    ),
    _concept(
        "injury",
        r"hurt|injur|danger|safety|unsafe|fire|burn|accident",
        r"injur|hurt|bleed|fell off|accident|hospital|smok(?:e|ing)|fire\b|burn|overheat|sparks?\b|shock\b",
        r"brakes? (?:fail|did not|do not)|verletz|gestürzt|unfall|brennt|rauch|gefährlich|bremse\w* versag",
        r"blessé|tombée?\b|accident|fumée|brûl|dangereu|herid|me caí|humo|quem[aóé]|peligros",
        r"machuc|acidente|fumaça|queim|perigos|ferit|fumo\b|pericolos|gewond|rook\b",
        r"受伤|摔|着火|冒烟|危险",
        r"けが|怪我|転倒|発火|煙|危険",
        r"إصابة|أصيب|حريق|دخان|خطر",
    ),
    _concept(
        "deadline",
        r"deadline|today|tomorrow|urgent|immediately|within (?:a|one|two|\d+) days?",
        r"urgent|asap\b|today|tomorrow|tonight|deadline|immediately",
        r"by (?:mon|tues|wednes|thurs|fri|satur|sun)day",
        r"dringend|heute|sofort|eilig|bis (?:montag|dienstag|mittwoch|donnerstag|freitag|samstag)",
        r"aujourd|demain|au plus vite|urgente|cuanto antes|hoje|amanhã|domani|vandaag|morgen nog",
        r"马上|尽快|今天|明天|紧急",
        r"至急|今日|明日|急ぎ",
        r"عاجل|اليوم|غدا|فورا",
    ),
    _concept(
        "legal",
        r"lawyer|legal|sue\b|court|consumer",
        r"lawyer|solicitor|sue\b|court\b|consumer protection|legal action",
        r"anwalt|gericht|verbraucherzentrale|avocat|tribunal|abogad|denuncia|advogad|procon|avvocato",
        r"律师|起诉|消费者协会",
        r"弁護士|消費者センター",
        r"محام|محكمة",
    ),
    _concept(
        "work",
        r"cannot work|can['’]t work|unable to work|livelihood|their (?:work|job|business)|business stands",
        r"for (?:my )?work|can(?:not|['’]t) work|our riders|my job|my business|earn my living",
        r"zur arbeit|für die arbeit|arbeitsweg|pour travailler|para trabajar|mi trabajo|trabalh|per lavor",
        r"上班|工作",
        r"仕事|通勤",
        r"عملي|للعمل",
    ),
    _concept(
        "callback",
        r"call(?:ed)? back|be called|callback|phone|ring\b|telephone",
        r"call me|ring me|phone me|give me a (?:call|ring)|call(?: me)? back|please call|call us",
        r"rufen sie|rückruf|zurückrufen|r?appelez|rappeler|ll[áa]m(?:en|eme)|me liguem|ligue para",
        r"richiam|chiamatemi|bel me|bel mij",
        r"打电话|回电|电话联系",
        r"お電話|電話をください|折り返し",
        r"اتصلوا|الاتصال بي",
    ),
)
BY_NAME = {concept.name: concept for concept in CONCEPTS}
