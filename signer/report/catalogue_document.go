package report

// Codes that concern the document and the signature's own bytes.
const (
	ReasonOther                Code = "other"
	ReasonUnreadable           Code = "document_unreadable"
	ReasonNotSigned            Code = "no_signature"
	ReasonContentMissing       Code = "content_missing"
	ReasonContentChanged       Code = "content_changed"
	ReasonContentType          Code = "content_type_wrong"
	ReasonAttributeMalformed   Code = "attribute_malformed"
	ReasonAttributesMissing    Code = "signed_attributes_missing"
	ReasonAlgorithmConfusion   Code = "algorithms_contradict"
	ReasonAlgorithmUnknown     Code = "algorithm_not_supported"
	ReasonAlgorithmWeak        Code = "algorithm_not_reliable"
	ReasonSignatureWrong       Code = "signature_wrong"
	ReasonSignerMissing        Code = "signer_certificate_missing"
	ReasonSignerSubstituted    Code = "signer_certificate_substituted"
	ReasonKeyUse               Code = "key_not_for_signing"
	ReasonNoSigningCertificate Code = "no_signing_certificate_attribute"
	ReasonNoSignedAttributes   Code = "no_signed_attributes"
	ReasonNotDER               Code = "attributes_not_der"
	ReasonTimeStampUnused      Code = "time_stamp_not_used"
	ReasonTimeStampMalformed   Code = "time_stamp_malformed"
	ReasonTimeStampImprint     Code = "time_stamp_of_other_data"
	ReasonTimeStampSignature   Code = "time_stamp_signature_wrong"
	ReasonTimeStampFuture      Code = "time_stamp_from_the_future"
	ReasonCounterSignature     Code = "counter_signature_not_judged"
	ReasonRevocationOff        Code = "revocation_not_checked"
	ReasonTestTrust            Code = "test_authorities_trusted"
	ReasonThirdParty           Code = "trusted_third_party"
	ReasonDoctype              Code = "xml_doctype_refused"
	ReasonXMLStructure         Code = "xml_signature_malformed"
	ReasonJWSStructure         Code = "jws_malformed"
	ReasonReferenceRefused     Code = "xml_reference_refused"
	ReasonPartial              Code = "document_partly_covered"
	ReasonNotCovered           Code = "content_not_covered"
	ReasonBodyNotCovered       Code = "soap_body_not_covered"
	ReasonLaterSignatures      Code = "later_signatures_left_out"
	ReasonPropertiesUnsigned   Code = "signed_properties_not_signed"
	ReasonCounterElsewhere     Code = "counter_signature_of_something_else"
	ReasonTimeStampOrder       Code = "time_stamps_out_of_order"
	ReasonConstraint           Code = "policy_constraint"
	ReasonPolicyMissing        Code = "signature_policy_not_available"
	ReasonPolicyDigest         Code = "signature_policy_not_processed"
)

var documentTexts = map[Code]entry{
	ReasonOther: {
		Text{"Тексеру ережелерінің бірі орындалмады.", "Не выполнено одно из правил проверки.", "A rule of validation is not met."},
		Text{"Толығырақ техникалық сипаттамадан қараңыз.", "Подробности смотрите в техническом описании.", "See the technical detail."},
	},
	ReasonUnreadable: {
		Text{
			"Құжатты оқу мүмкін емес: бұл CMS, XML немесе PDF пішіміндегі қол қойылған құжат емес, не файл бүлінген.",
			"Документ не читается: это не подпись CMS, не подписанный XML и не PDF, или файл повреждён.",
			"The document cannot be read: it is no CMS signature, signed XML or PDF, or the file is damaged.",
		},
		Text{
			"Қол қойылған файлды түпнұсқадан қайта алыңыз да, өзгертпей жіберіңіз.",
			"Получите подписанный файл заново и отправьте его без изменений.",
			"Get the signed file again from its source and send it unchanged.",
		},
	},
	ReasonTimeStampOrder: {
		Text{
			"Уақыт белгілерінің реті бұзылған: кейін қойылғаны ертерек уақытты көрсетеді.",
			"Порядок штампов времени нарушен: поставленный позже указывает более раннее время.",
			"The time stamps are out of order: one that was made later names an earlier time.",
		},
		Text{
			"Құжатқа сенбес бұрын қол қоюшыдан түсініктеме сұраңыз.",
			"Прежде чем полагаться на документ, запросите объяснение у подписавшего.",
			"Ask the signer for an explanation before relying on the document.",
		},
	},
	ReasonConstraint: {
		Text{
			"Тексеру саясатының талабы орындалмаған.", "Не выполнено требование политики проверки.",
			"A demand of the validation policy is not met.",
		},
		Text{
			"Талапты мәліметтерден қараңыз; қажет болса, құжатқа қайта қол қойғызыңыз.",
			"Посмотрите требование в подробностях; при необходимости попросите подписать документ заново.",
			"See the demand in the details; have the document signed again if needed.",
		},
	},
	ReasonPolicyMissing: {
		Text{
			"Қолтаңбада аталған қолтаңба саясаты қолжетімді емес.", "Политика подписи, названная в подписи, недоступна.",
			"The signature policy that the signature names is not available.",
		},
		Text{
			"Саясат құжатын тексеру саясатына қосыңыз.", "Добавьте документ политики в политику проверки.",
			"Add the policy's document to the validation policy.",
		},
	},
	ReasonPolicyDigest: {
		Text{
			"Қолтаңба саясаты өңделмейді: оның құжаты қол қойылған дайджестке сәйкес келмейді.",
			"Политика подписи не обработана: её документ не соответствует подписанному хешу.",
			"The signature policy could not be processed: its document does not have the digest that was signed.",
		},
		Text{
			"Саясаттың дұрыс нұсқасын сұраңыз.", "Запросите верную редакцию политики.",
			"Ask for the right edition of the policy.",
		},
	},
	ReasonNotSigned: {
		Text{"Құжатта бірде-бір қолтаңба жоқ.", "В документе нет ни одной подписи.", "The document holds no signature."},
		Text{"Құжатқа қол қойып, қайта жіберіңіз.", "Подпишите документ и отправьте его снова.", "Sign the document and send it again."},
	},
	ReasonContentMissing: {
		Text{
			"Қол қойылған деректер жоқ: қолтаңба бөлек файлда, ал түпнұсқа берілмеген.",
			"Нет подписанных данных: подпись отделена от документа, а сам документ не передан.",
			"The signed data is missing: the signature is detached and the original was not given.",
		},
		Text{
			"Қолтаңбамен бірге түпнұсқа құжатты да жіберіңіз.",
			"Отправьте вместе с подписью исходный документ.",
			"Send the original document together with the signature.",
		},
	},
	ReasonContentChanged: {
		Text{
			"Құжат қол қойылғаннан кейін өзгертілген немесе қолтаңба басқа құжатқа тиесілі.",
			"Документ изменён после подписания, или подпись относится к другому документу.",
			"The document was changed after signing, or the signature belongs to another document.",
		},
		Text{
			"Бұл құжатқа сенуге болмайды. Қол қоюшыдан түпнұсқаны сұраңыз.",
			"Полагаться на этот документ нельзя. Запросите оригинал у подписавшего.",
			"Do not rely on this document. Ask the signer for the original.",
		},
	},
	ReasonContentType: {
		Text{
			"Қолтаңба басқа түрдегі деректерге арналған.", "Подпись сделана для данных другого вида.",
			"The signature was made for data of another kind.",
		},
		Text{
			"Құжатқа стандартты бағдарламамен қайта қол қойыңыз.", "Подпишите документ заново стандартной программой.",
			"Sign the document again with a standard program.",
		},
	},
	ReasonAttributeMalformed: {
		Text{
			"Қолтаңбаның міндетті атрибуты жоқ, қайталанған немесе бүлінген.",
			"Обязательный атрибут подписи отсутствует, повторяется или повреждён.",
			"An obligatory attribute of the signature is missing, doubled or damaged.",
		},
		Text{
			"Құжатқа стандартты бағдарламамен қайта қол қойыңыз.", "Подпишите документ заново стандартной программой.",
			"Sign the document again with a standard program.",
		},
	},
	ReasonAttributesMissing: {
		Text{
			"Қол қойылған атрибуттар жоқ, сондықтан қолтаңба басқа деректерге жатқызылуы мүмкін.",
			"Нет подписанных атрибутов, поэтому подпись может быть выдана за подпись других данных.",
			"Signed attributes are missing where they must be, so the signature could be passed off for other data.",
		},
		Text{
			"Құжатқа стандартты бағдарламамен қайта қол қойыңыз.", "Подпишите документ заново стандартной программой.",
			"Sign the document again with a standard program.",
		},
	},
	ReasonAlgorithmConfusion: {
		Text{
			"Қолтаңбада көрсетілген алгоритмдер бір-біріне қайшы келеді.", "Алгоритмы, указанные в подписи, противоречат друг другу.",
			"The algorithms that the signature names contradict each other.",
		},
		Text{
			"Құжатқа стандартты бағдарламамен қайта қол қойыңыз.", "Подпишите документ заново стандартной программой.",
			"Sign the document again with a standard program.",
		},
	},
	ReasonAlgorithmUnknown: {
		Text{
			"Қолтаңба алгоритмі белгісіз немесе рұқсат етілмеген.", "Алгоритм подписи неизвестен или не допускается.",
			"The algorithm of the signature is not known or not allowed.",
		},
		Text{
			"Ұлттық куәландырушы орталықтың кілтімен қол қойыңыз.", "Подпишите ключом Национального удостоверяющего центра.",
			"Sign with a key of the national certification authority.",
		},
	},
	ReasonAlgorithmWeak: {
		Text{
			"Қолтаңба алгоритмі тексеру уақытында сенімді деп саналмайды.",
			"Алгоритм подписи на время проверки не считается надёжным.",
			"The algorithm of the signature is not held to be reliable at the time of validation.",
		},
		Text{
			"Құжатқа жаңа кілтпен қайта қол қойыңыз.", "Подпишите документ заново новым ключом.", "Sign the document again with a new key.",
		},
	},
	ReasonSignatureWrong: {
		Text{
			"Қолтаңба математикалық тұрғыдан дұрыс емес.", "Подпись математически неверна.", "The signature is mathematically wrong.",
		},
		Text{
			"Бұл құжатқа сенуге болмайды. Қол қоюшыдан түпнұсқаны сұраңыз.",
			"Полагаться на этот документ нельзя. Запросите оригинал у подписавшего.",
			"Do not rely on this document. Ask the signer for the original.",
		},
	},
	ReasonSignerMissing: {
		Text{
			"Қол қоюшының сертификаты құжатта жоқ және табылмады.", "Сертификата подписавшего нет в документе, и найти его не удалось.",
			"The signer's certificate is not in the document and could not be found.",
		},
		Text{
			"Сертификат қосылған қолтаңбаны сұраңыз.", "Запросите подпись, в которую включён сертификат.",
			"Ask for a signature that includes the certificate.",
		},
	},
	ReasonSignerSubstituted: {
		Text{
			"Қосылған сертификат қолтаңба жасалған сертификат емес.", "Приложенный сертификат не тот, которым сделана подпись.",
			"The certificate given is not the one to which the signature is bound.",
		},
		Text{
			"Бұл құжатқа сенуге болмайды. Қол қоюшыдан түпнұсқаны сұраңыз.",
			"Полагаться на этот документ нельзя. Запросите оригинал у подписавшего.",
			"Do not rely on this document. Ask the signer for the original.",
		},
	},
	ReasonKeyUse: {
		Text{
			"Кілт құжаттарға қол қоюға арналмаған (мысалы, тек аутентификацияға арналған).",
			"Ключ не предназначен для подписания документов (например, только для аутентификации).",
			"The key is not meant for signing documents (it may be for authentication only).",
		},
		Text{
			"Құжатқа қол қоюға арналған кілтпен қайта қол қойыңыз.", "Подпишите документ ключом, предназначенным для подписи.",
			"Sign the document with a key that is meant for signatures.",
		},
	},
	ReasonNoSigningCertificate: {
		Text{
			"Қолтаңба сертификатқа атрибут арқылы байланбаған (AdES емес).",
			"Подпись не связана с сертификатом атрибутом (не AdES).",
			"Nothing that is signed binds the signature to the certificate (it is not AdES).",
		},
		Text{
			"Жаңа қолтаңбаларды CAdES немесе XAdES пішімінде жасаңыз.", "Новые подписи делайте в формате CAdES или XAdES.",
			"Make new signatures in the CAdES or XAdES form.",
		},
	},
	ReasonNoSignedAttributes: {
		Text{
			"Қолтаңбада қол қойылған атрибуттар жоқ (AdES емес).", "В подписи нет подписанных атрибутов (не AdES).",
			"The signature has no signed attributes (it is not AdES).",
		},
		Text{
			"Жаңа қолтаңбаларды CAdES пішімінде жасаңыз.", "Новые подписи делайте в формате CAdES.", "Make new signatures in the CAdES form.",
		},
	},
	ReasonNotDER: {
		Text{
			"Қол қойылған атрибуттар стандарттан ауытқып жазылған.", "Подписанные атрибуты записаны с отступлением от стандарта.",
			"The signed attributes are written in a form that departs from the standard.",
		},
		Text{"Ештеңе істеу қажет емес.", "Ничего делать не нужно.", "Nothing needs to be done."},
	},
	ReasonTimeStampUnused: {
		Text{
			"Уақыт белгісі қабылданбады және қол қою уақытын дәлелдемейді.", "Метка времени не принята и время подписания не доказывает.",
			"A time stamp was not accepted and does not prove the time of signing.",
		},
		Text{
			"Уақыт белгісінің себептерін қараңыз.", "Посмотрите причины у метки времени.", "See the reasons of the time stamp.",
		},
	},
	ReasonTimeStampMalformed: {
		Text{"Уақыт белгісін оқу мүмкін емес.", "Метка времени не читается.", "The time stamp cannot be read."},
		Text{"Жаңа уақыт белгісін қойыңыз.", "Поставьте новую метку времени.", "Have a new time stamp made."},
	},
	ReasonTimeStampImprint: {
		Text{
			"Уақыт белгісі басқа деректерге қойылған.", "Метка времени поставлена на другие данные.",
			"The time stamp was made over other data.",
		},
		Text{"Жаңа уақыт белгісін қойыңыз.", "Поставьте новую метку времени.", "Have a new time stamp made."},
	},
	ReasonTimeStampSignature: {
		Text{"Уақыт белгісінің қолтаңбасы дұрыс емес.", "Подпись метки времени неверна.", "The signature of the time stamp is wrong."},
		Text{"Жаңа уақыт белгісін қойыңыз.", "Поставьте новую метку времени.", "Have a new time stamp made."},
	},
	ReasonTimeStampFuture: {
		Text{
			"Уақыт белгісінің уақыты тексеру уақытынан кейін.", "Время в метке позже времени проверки.",
			"The time in the time stamp lies after the time of validation.",
		},
		Text{
			"Сағаттарды және тексеру уақытын салыстырыңыз.", "Сверьте часы и заданное время проверки.",
			"Compare the clocks and the time of validation asked for.",
		},
	},
	ReasonCounterSignature: {
		Text{
			"Қарсы қолтаңба бар, ол бөлек бағаланбады.", "Есть заверяющая подпись; отдельно она не оценивалась.",
			"There is a counter-signature; it was not judged.",
		},
		Text{
			"Қарсы қолтаңбаға сүйенбеңіз.", "Не полагайтесь на заверяющую подпись.", "Do not rely on the counter-signature.",
		},
	},
	ReasonRevocationOff: {
		Text{
			"Сертификаттардың кері қайтарылғаны тексерілмеді.", "Отзыв сертификатов не проверялся.",
			"Whether certificates are revoked was not checked.",
		},
		Text{
			"Маңызды шешімдер үшін толық тексеру жүргізіңіз.", "Для важных решений выполните полную проверку.",
			"Run a full validation before important decisions.",
		},
	},
	ReasonTestTrust: {
		Text{
			"Тексеру тестілік куәландырушы орталықтарға сенім арта отырып жүргізілді.",
			"Проверка сделана с доверием к тестовым удостоверяющим центрам.",
			"The validation trusted test authorities.",
		},
		Text{
			"Нәтиженің заңдық күші жоқ.", "Результат не имеет юридической силы.", "The result has no legal force.",
		},
	},
	ReasonThirdParty: {
		Text{
			"Сертификатты басқа мемлекеттің куәландырушы орталығы берген; оған келісім бойынша сенім білдірілген үшінші тарап арқылы сенім артылады.",
			"Сертификат выдан удостоверяющим центром другого государства; ему доверяют по соглашению, через доверенную третью сторону.",
			"The certificate is of another state's authority, which is believed by agreement, through a trusted third party.",
		},
		Text{
			"Сертификаттағы нөмірлер ЖСН немесе БСН ретінде қабылданбайды: тұлғаны басқа құжаттар бойынша анықтаңыз.",
			"Номера в сертификате не принимаются за ИИН или БИН: установите личность по другим документам.",
			"Numbers in the certificate are not taken for an IIN or BIN: establish the identity by other documents.",
		},
	},
}
