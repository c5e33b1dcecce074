"""Words by which models say what their answer is, by language: data of the readers, and nothing else.

All words are lower case. Where a language writes no spaces, or its verb comes last, ``bare`` says that the answer may
follow the word directly (``उत्तर 60 है``). ``comma`` says that its decimals are written with a comma.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """How one language states an answer; every field but the flags is an alternation of a regular expression."""

    code: str
    answer: str
    """Words for "answer" (and "solution" where that is what models write)."""
    is_: str = ""
    """What may stand between the word and the answer."""
    adjectives: str = ""
    """Words that may follow the word for "answer", as in ``réponse finale``."""
    choose: str = ""
    """Words that an option's letter follows, as in ``je choisis B``."""
    correct: str = ""
    """What an option's letter may be said to be, as in ``B est correct``; with its verb."""
    option: str = ""
    """Words for "option", which may stand before the letter."""
    bare: bool = False
    comma: bool = True


LANGUAGES = (
    Language(
        "en", r"answer|ans", r"is|was|would be|should be|must be|has to be|will be|remains|equals",
        r"letter|option|choice|number|key|here|to (?:the|this|your) (?:question|problem)",
        r"choose|chose|choosing|pick|picking|select|selecting|go with|going with|opt for|settle on|say|guess|"
        r"it is|it's|it must be|it should be|it has to be|must be|should be|has to be|is|be|therefore|thus|hence|so",
        r"(?:is|seems|looks|would be|must be) (?:the |clearly the |clearly |indeed |probably )?(?:only )?"
        r"(?:correct|right|best|answer|true one)",
        r"option|choice|letter|answer|statement", comma=False,
    ),
    Language(
        "zh", r"答案|答复|正解|解答|答", r"应该是|应当是|就是|应为|應為|是|为|為|选|選", r"选项|選項",
        r"选择|選擇|应选|故选|选|選|只有", r"(?:是|才是|最)?(?:正确|正確|对的|對的|符合)", r"选项|選項|选择", bare=True, comma=False,
    ),
    Language(
        "ja", r"答え|答|解答|回答|正解|正答|最終回答", r"は、|は", r"の選択肢|の番号", r"選択肢|正しいのは|選ぶのは|よって|したがって",
        r"(?:が|は)(?:正しい|正解|答え|適切)", r"選択肢", bare=True, comma=False,
    ),
    Language(
        "ko", r"정답|최종 답|답변|해답|답", r"은|는|이|가", "", r"따라서|그러므로|고르면", r"(?:이|가|번이) (?:정답|맞|옳)", r"선택지|보기", bare=True, comma=False,
    ),
    Language(
        "de", r"antwort|lösung|loesung|ergebnis", r"lautet|ist|wäre|muss", r"option|buchstabe",
        r"ich wähle|ich nehme|wähle|daher|also|somit|folglich", r"ist (?:die )?(?:richtig|korrekt)", r"option|buchstabe|möglichkeit",
    ),
    Language(
        "fr", r"réponse|reponse|solution|résultat", r"est|serait|c'est", r"finale|correcte|exacte|juste|est donc",
        r"je choisis|choisis|donc|c'est", r"est (?:la )?(?:correcte?|bonne|juste|exacte)", r"l'option|option|lettre|proposition",
    ),
    Language(
        "es", r"respuesta|solución|solucion|resultado", r"es|sería|seria|debe ser", r"final|correcta|es la opción|es la",
        r"elijo|escojo|selecciono|por lo tanto|por tanto|es la", r"es (?:la )?(?:correcta?|respuesta)", r"la opción|opción|opcion|letra|alternativa",
    ),
    Language(
        "pt", r"resposta|solução|gabarito|resultado", r"é|seria|será", r"final|correta|certa",
        r"escolho|seleciono|portanto|logo|é a", r"é (?:a )?(?:correta|certa|resposta)", r"a opção|opção|letra|alternativa",
    ),
    Language(
        "it", r"risposta|soluzione|risultato", r"è|e'|sarebbe", r"finale|corretta|esatta|giusta",
        r"scelgo|seleziono|quindi|pertanto|è la", r"è (?:la )?(?:corretta|giusta|risposta|esatta)", r"l'opzione|opzione|lettera",
    ),
    Language(
        "nl", r"antwoord|oplossing", r"is|luidt|zou", r"optie", r"ik kies|kies|dus|daarom", r"is (?:het )?(?:juist|correct|goed)", r"optie|letter",
    ),
    Language(
        "pl", r"odpowiedź|odpowiedz|odp\.?|rozwiązanie|wynik", r"to|jest|brzmi", r"końcowa|ostateczna|prawidłowa|poprawna",
        r"wybieram|zatem|więc", r"jest (?:poprawn|prawidłow)\w{1,3}", r"opcja|litera",
    ),
    Language(
        "ru", r"ответ|решение", r"это|является|будет|—|-", r"правильный|верный", r"выбираю|поэтому|следовательно|значит",
        r"(?:является )?(?:правильн|верн)\w{1,3}", r"вариант|буква|пункт", bare=True,
    ),
    Language(
        "uk", r"відповідь|розв'язок|результат", r"це|є|буде|—|-", r"правильна", r"обираю|вибираю|тому|отже", r"(?:є )?правильн\w{1,3}",
        r"варіант|літера", bare=True,
    ),
    Language("bg", r"отговор|отговорът", r"е", "", r"избирам", r"е (?:правилн|верн)\w{1,3}", r"вариант", bare=True),
    Language("sr", r"odgovor|одговор", r"je|је", r"tačan", r"biram|бирам", r"je tačan", r"opcija|опција"),
    Language("cs", r"odpověď|odpoveď|výsledek", r"je|zní", r"správná|konečná", r"vybírám|volím|proto", r"je správn\w", r"možnost|písmeno"),
    Language("el", r"απάντηση|απαντηση|λύση", r"είναι|ειναι", r"τελική", r"επιλέγω|άρα|επομένως", r"είναι (?:η )?σωστ\w", r"επιλογή|γράμμα"),
    Language("tr", r"cevap|cevabı|yanıt|cevabım|sonuç", r"ise|şudur", r"şıkkı", r"seçiyorum|bu nedenle|dolayısıyla", r"doğru(?:dur)?|şıkkı doğru", r"seçenek|şık", bare=True),
    Language("sv", r"svar|svaret", r"är|er", r"", r"jag väljer|väljer|jeg velger|jeg vælger", r"är (?:rätt|korrekt)|er (?:riktig|korrekt|rigtig)", r"alternativ"),
    Language("fi", r"vastaus", r"on", r"", r"valitsen", r"on oikea", r"vaihtoehto"),
    Language("ro", r"răspuns|raspuns|răspunsul|răspunsul corect", r"este|e", r"corect|final", r"aleg", r"este corect\w?", r"varianta|opțiunea"),
    Language("hu", r"válasz|megoldás", r"az?", r"helyes", r"választom", r"(?:a )?helyes", r"opció|lehetőség", bare=True),
    Language("id", r"jawaban|jawabannya|jawapan|jawabannya", r"adalah|ialah|yaitu", r"yang benar|akhir|yang tepat|yang betul", r"saya memilih|pilih|jadi", r"(?:adalah )?(?:benar|tepat|betul)", r"opsi|pilihan|huruf", bare=True),
    Language("tl", r"sagot", r"ay", r"", r"pinipili ko", r"ang tama", r"opsyon", comma=False),
    Language("sw", r"jibu", r"ni", r"sahihi", r"ninachagua", r"ni sahihi", r"chaguo", comma=False),
    Language("vi", r"đáp án|đáp số|câu trả lời|trả lời|kết quả", r"là", r"đúng|cuối cùng", r"tôi chọn|chọn|vậy", r"là (?:đáp án )?đúng|đúng", r"phương án|đáp án", bare=True),
    Language("th", r"คำตอบ|เฉลย|ตอบ", r"คือ|เป็น", r"ที่ถูกต้อง|สุดท้าย|ที่ถูก", r"เลือก|ดังนั้น", r"(?:ถูกต้อง|ถูก|เป็นคำตอบ)", r"ข้อ|ตัวเลือก", bare=True, comma=False),
    Language("ar", r"الإجابة|الاجابة|إجابة|اجابة|الجواب|جواب|الحل", r"هي|هو", r"الصحيحة|الصحيح|النهائية|النهائي", r"أختار|اختار|إذن|لذلك", r"(?:هو|هي) (?:الصحيح|الإجابة)", r"الخيار|خيار|حرف", bare=True, comma=False),
    Language("fa", r"پاسخ|جواب", r"برابر است با|برابر|:", r"صحیح|درست|نهایی", r"انتخاب می‌کنم|بنابراین", r"(?:صحیح|درست) است", r"گزینه|گزینهٔ", bare=True, comma=False),
    Language("ur", r"جواب", r"", r"درست|صحیح", r"لہذا", r"درست ہے", r"آپشن", bare=True, comma=False),
    Language("he", r"תשובה|התשובה|פתרון", r"היא|הוא", r"הנכונה|הסופית", r"אני בוחר|לכן", r"(?:היא|הוא) (?:הנכונה|התשובה)|נכונה", r"אפשרות|האפשרות", bare=True, comma=False),
    Language("hi", r"उत्तर|जवाब|हल", r"है|होगा|:", r"सही|अंतिम", r"इसलिए|अतः", r"सही (?:है|उत्तर|विकल्प)", r"विकल्प", bare=True, comma=False),
    Language("bn", r"উত্তর|উত্তরটি|জবাব", r"হল|হলো|হচ্ছে|:", r"সঠিক|চূড়ান্ত|টি", r"তাই|সুতরাং", r"সঠিক", r"বিকল্প|অপশন", bare=True, comma=False),
    Language("mr", r"उत्तर", r"आहे", r"योग्य", r"म्हणून", r"बरोबर आहे", r"पर्याय", bare=True, comma=False),
    Language("ta", r"விடை|பதில்", r"", r"சரியான", r"எனவே", r"சரி", r"விருப்பம்", bare=True, comma=False),
    Language("te", r"సమాధానం|జవాబు", r"", r"సరైన", r"కాబట్టి", r"సరైనది", r"ఎంపిక", bare=True, comma=False),
)  # fmt: skip

OTHER_LABELS = r"result|total|choice|option|selection|solution|response|conclusion|sum|value|verdict"
"""English words that label what a reply comes to; weaker than a stated answer."""

NEGATIONS = (
    r"incorrect|wrong|false|not|isn't|isnt|never|falsche|falsch|nicht|incorrecte|mauvaise|fausse|pas|incorrecta|"
    r"incorreta|errada|sbagliata|errata|non|no|неправильный|неверный|не|错误|錯誤|誤った|不正解|오답|niepoprawna|nie|"
    r"onjuist|verkeerd|niet|yanlış|salah|sai|ผิด|الخاطئة|غلط|गलत|ভুল|λάθος|שגויה|distractor"
)
"""Words before or after an answer word that turn it into something else."""

HEDGES = (
    r"i don'?t know|i do not know|don'?t know|do not know|not sure|unsure|unknown|cannot|can't|can not|could not|couldn't|"
    r"unable|undecided|unclear|n/?a\b|none\b|neither|no answer|not (?:enough|given|possible|determinable)|impossible|"
    r"undetermined|indeterminate|either|between|ich weiß (?:es )?nicht|weiß nicht|je ne sais pas|no (?:lo )?sé|não sei|"
    r"non (?:lo )?so|nie wiem|не знаю|不知道|不确定|不確定|无法|無法|わかりません|分かりません|不明|모르|모름|없음|لا أعرف|لا أعلم|"
    r"मुझे नहीं|पता नहीं|bilmiyorum|không biết|ไม่ทราบ|ไม่รู้|tidak tahu|weet (?:ik )?niet|δεν ξέρω|לא יודע|নেই|জানি না|نمی‌دانم"
)
"""How a statement begins that names no answer."""

CHANGES = (
    r"wait|actually|on reflection|on second thought|correction|scratch that|hmm|sorry|i was wrong|my mistake|no, |"
    r"let me (?:reconsider|re-?check|correct)|rather|instead|i meant|eigentlich|moment|en fait|attends|en realidad|espera|"
    r"на самом деле|подожди|其实|等等|不对|实际上|待って|いや|아니|잠깐"
)
"""How a model takes back what it said."""

FORMAT = (
    r"format|such as|in the form|of the form|asked|instruct\w*|told|finish(?:ing)? with|end(?:ing)? with|ends with|required|"
    r"template|written as|write|line like|something like|pattern|phrase|prompt|expected|if it were|would say"
)
"""What comes before a form of answer that is only spoken of."""

FOLLOW_UPS = (
    r"question|next question|new question|follow-?up question|another question|human|user|q|problem|exercise|instruction|input|student|teacher|"
    r"frage|aufgabe|pregunta|pergunta|domanda|vraag|pytanie|вопрос|питання|задача|soru|pertanyaan|câu hỏi|câu|问题|题目|問題|"
    r"質問|问|問|질문|문제|سؤال|السؤال|प्रश्न|প্রশ্ন|ερώτηση|שאלה|คำถาม|usuario|utilisateur|usuário|benutzer|пользователь|用户|ユーザー|사용자"
)
"""What opens a question that the model asks itself once it has answered."""

SCALES = (
    r"thousands?|millions?|billions?|trillions?|quadrillions?|dozens?|hundreds?|lakhs?|crores?|scores? of|gross|mill?i?on(?:en|es|i)?|"
    r"milliarden?|milliards?|millions?|mila|mille|miles|mil|tausend|hundert|duizend|miljoen|miljard|mln|mio|mrd|bn|"
    r"bilhões|bilhão|milhões|milhão|millones|millón|миллион\w*|миллиард\w*|тысяч\w*|млн|млрд|тыс|тис|мільйон\w*|мільярд\w*|"
    r"tysi\w+|milion\w*|miliard\w*|bin\b|milyon|milyar|ribu|juta|miliar|nghìn|ngàn|triệu|tỷ|พัน|หมื่น|แสน|ล้าน|"
    r"ألف|آلاف|مليون|ملايين|مليار|هزار|میلیون|میلیارد|हज़ार|हजार|लाख|करोड़|মিলিয়ন|হাজার|লাখ|লক্ষ|কোটি|χιλιάδες|εκατομμύρια|"
    r"אלף|אלפים|מיליון|万|萬|亿|億|千|百|十|兆|만|억|천|백|조|割|分之|点|點|半"
)
"""Words after a number that multiply it."""
