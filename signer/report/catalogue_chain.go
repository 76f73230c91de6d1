package report

// Codes that concern certificates and their chain. Those of signer/path are its own with underscores.
const (
	ReasonNoCertificate       Code = "no_certificate"
	ReasonNoChain             Code = "no_chain"
	ReasonBudget              Code = "budget_exceeded"
	ReasonMalformed           Code = "malformed_certificate"
	ReasonCertSignature       Code = "certificate_signature"
	ReasonNotYetValid         Code = "not_yet_valid"
	ReasonExpired             Code = "expired"
	ReasonAnchorWindow        Code = "anchor_not_trusted_then"
	ReasonAnchorPurpose       Code = "anchor_purpose"
	ReasonNotCA               Code = "not_a_ca"
	ReasonPathLen             Code = "path_length"
	ReasonKeyCertSign         Code = "key_cert_sign"
	ReasonCriticalExtension   Code = "unknown_critical_extension"
	ReasonNameConstraints     Code = "name_constraints"
	ReasonPolicy              Code = "certificate_policy"
	ReasonPolicyMapping       Code = "policy_mapping"
	ReasonKeyUsage            Code = "key_usage"
	ReasonExtendedKeyUsage    Code = "extended_key_usage"
	ReasonProfile             Code = "certificate_profile"
	ReasonRevoked             Code = "revoked"
	ReasonOnHold              Code = "on_hold"
	ReasonCARevoked           Code = "ca_revoked"
	ReasonRevocationUnknown   Code = "revocation_unknown"
	ReasonRevocationMissing   Code = "revocation_unavailable"
	ReasonCRLExpired          Code = "crl_expired"
	ReasonServiceNotReachable Code = "revocation_service_failed"
)

var (
	askSigner = Text{
		"Қол қоюшыдан жарамды сертификатпен қайта қол қоюды сұраңыз.",
		"Попросите подписавшего подписать документ заново действующим сертификатом.",
		"Ask the signer to sign again with a valid certificate.",
	}
	askOperator = Text{
		"Куәландырушы орталық туралы жүйе операторына хабарлаңыз.",
		"Сообщите об удостоверяющем центре оператору системы.",
		"Tell the operator of the system about the certification authority.",
	}
	tryLater = Text{
		"Бірнеше минуттан кейін қайталап көріңіз.", "Повторите проверку через несколько минут.", "Try again in some minutes.",
	}
)

var chainTexts = map[Code]entry{
	ReasonNoCertificate: {Text{"Сертификат жоқ.", "Сертификата нет.", "There is no certificate."}, askSigner},
	ReasonNoChain: {
		Text{
			"Сертификаттан сенімді куәландырушы орталыққа дейінгі тізбек табылмады.",
			"Не найдена цепочка от сертификата до доверенного удостоверяющего центра.",
			"No chain was found from the certificate to a trusted certification authority.",
		},
		Text{
			"Ұлттық куәландырушы орталық берген кілтпен қол қойыңыз немесе операторға орталықты сенімділерге қосуды ұсыныңыз.",
			"Подпишите ключом Национального удостоверяющего центра или предложите оператору добавить центр в число доверенных.",
			"Sign with a key of the national authority, or ask the operator to trust the authority that issued yours.",
		},
	},
	ReasonBudget: {
		Text{
			"Сертификаттар жиыны тым күрделі, тексеру тоқтатылды.", "Набор сертификатов слишком сложен, проверка остановлена.",
			"The set of certificates is too complex; the validation was stopped.",
		},
		Text{
			"Артық сертификаттары жоқ қолтаңбаны жіберіңіз.", "Отправьте подпись без лишних сертификатов.",
			"Send the signature without needless certificates.",
		},
	},
	ReasonMalformed: {
		Text{"Сертификат бүлінген немесе қате жасалған.", "Сертификат повреждён или составлен с ошибкой.", "A certificate is damaged or wrongly made."},
		askSigner,
	},
	ReasonCertSignature: {
		Text{
			"Сертификаттың қолтаңбасы дұрыс емес: ол жалған болуы мүмкін.", "Подпись сертификата неверна: он может быть поддельным.",
			"The signature of a certificate is wrong: it may be forged.",
		},
		Text{
			"Бұл құжатқа сенуге болмайды.", "Полагаться на этот документ нельзя.", "Do not rely on this document.",
		},
	},
	ReasonNotYetValid: {
		Text{
			"Сертификат тексеру уақытында әлі күшіне енбеген.", "Сертификат на время проверки ещё не действовал.",
			"A certificate was not yet valid at the time of validation.",
		},
		Text{
			"Тексеру уақыты мен сағаттарды салыстырыңыз.", "Сверьте время проверки и часы.", "Compare the time of validation and the clocks.",
		},
	},
	ReasonExpired: {
		Text{
			"Тізбектегі сертификаттың мерзімі өткен, ал қол қою уақыты дәлелденбеген.",
			"Срок сертификата в цепочке истёк, а время подписания не доказано.",
			"A certificate of the chain has expired, and the time of signing is not proven.",
		},
		Text{
			"Уақыт белгісі бар қолтаңбаны сұраңыз немесе жаңа сертификатпен қайта қол қойғызыңыз.",
			"Запросите подпись с меткой времени или попросите подписать заново новым сертификатом.",
			"Ask for a signature with a time stamp, or for a new signature with a new certificate.",
		},
	},
	ReasonAnchorWindow: {
		Text{
			"Куәландырушы орталыққа сол уақытта сенім көрсетілмеген.", "Удостоверяющему центру в то время доверия не было.",
			"The certification authority was not trusted at that time.",
		},
		askOperator,
	},
	ReasonAnchorPurpose: {
		Text{
			"Куәландырушы орталыққа басқа мақсатқа ғана сенім көрсетілген.", "Удостоверяющему центру доверяют только для других целей.",
			"The certification authority is trusted for other purposes only.",
		},
		askOperator,
	},
	ReasonNotCA: {
		Text{
			"Сертификатты беруге құқығы жоқ иеленуші берген.", "Сертификат выдан тем, кто не вправе выдавать сертификаты.",
			"A certificate was issued by somebody who may not issue certificates.",
		},
		Text{"Бұл құжатқа сенуге болмайды.", "Полагаться на этот документ нельзя.", "Do not rely on this document."},
	},
	ReasonPathLen: {
		Text{
			"Сертификаттар тізбегі рұқсат етілгеннен ұзын.", "Цепочка сертификатов длиннее, чем разрешено.",
			"The chain of certificates is longer than its authorities allow.",
		},
		askOperator,
	},
	ReasonKeyCertSign: {
		Text{
			"Куәландырушы орталықтың кілті сертификаттарға қол қоюға арналмаған.",
			"Ключ удостоверяющего центра не предназначен для подписания сертификатов.",
			"The key of the authority is not meant for signing certificates.",
		},
		askOperator,
	},
	ReasonCriticalExtension: {
		Text{
			"Сертификатта түсініксіз, бірақ міндетті шарт бар.", "В сертификате есть обязательное условие, которое не распознано.",
			"A certificate holds a critical condition that is not understood.",
		},
		askOperator,
	},
	ReasonNameConstraints: {
		Text{
			"Куәландырушы орталықтың мұндай атауға сертификат беруге құқығы жоқ.",
			"Удостоверяющий центр не вправе выдавать сертификат на такое имя.",
			"The authority may not issue a certificate for such a name.",
		},
		askOperator,
	},
	ReasonPolicy: {
		Text{
			"Сертификаттың қолданылу саясаты талапқа сай емес.", "Политика применения сертификата не отвечает требованию.",
			"The certificate policy does not meet what is demanded.",
		},
		askSigner,
	},
	ReasonPolicyMapping: {
		Text{
			"Куәландырушы орталықтардың саясаттары қате сәйкестендірілген.", "Политики удостоверяющих центров сопоставлены неверно.",
			"The policies of the authorities are mapped wrongly.",
		},
		askOperator,
	},
	ReasonKeyUsage: {
		Text{
			"Сертификаттағы кілттің мақсаты құжатқа қол қоюға сай емес.", "Назначение ключа в сертификате не подходит для подписания.",
			"The key usage in the certificate does not fit signing.",
		},
		askSigner,
	},
	ReasonExtendedKeyUsage: {
		Text{
			"Сертификаттың қолданылу аясы сай емес.", "Область применения сертификата не подходит.",
			"The purpose of the certificate does not fit.",
		},
		askSigner,
	},
	ReasonProfile: {
		Text{
			"Сертификат стандарт талаптарынан ауытқиды.", "Сертификат отступает от требований стандарта.",
			"A certificate departs from what the standard demands.",
		},
		askOperator,
	},
	ReasonRevoked: {
		Text{
			"Қол қоюшының сертификаты кері қайтарылған.", "Сертификат подписавшего отозван.", "The signer's certificate is revoked.",
		},
		Text{
			"Бұл қолтаңбаға сенуге болмайды; жарамды сертификатпен қайта қол қоюды сұраңыз.",
			"На эту подпись полагаться нельзя; попросите подписать заново действующим сертификатом.",
			"Do not rely on this signature; ask for a new one with a valid certificate.",
		},
	},
	ReasonOnHold: {
		Text{
			"Қол қоюшының сертификаты уақытша тоқтатылған.", "Действие сертификата подписавшего приостановлено.",
			"The signer's certificate is suspended.",
		},
		Text{
			"Сертификат қалпына келтірілгенше қолтаңбаға сүйенбеңіз.", "Не полагайтесь на подпись, пока сертификат не восстановлен.",
			"Do not rely on the signature until the certificate is restored.",
		},
	},
	ReasonCARevoked: {
		Text{
			"Куәландырушы орталықтың сертификаты кері қайтарылған.", "Сертификат удостоверяющего центра отозван.",
			"The certificate of a certification authority is revoked.",
		},
		askSigner,
	},
	ReasonRevocationUnknown: {
		Text{
			"Куәландырушы орталық бұл сертификатты білмейді.", "Удостоверяющий центр не знает этого сертификата.",
			"The certification authority does not know this certificate.",
		},
		Text{
			"Бұл қолтаңбаға сенуге болмайды; сертификат жалған болуы мүмкін.",
			"На эту подпись полагаться нельзя; сертификат может быть поддельным.",
			"Do not rely on this signature; the certificate may be forged.",
		},
	},
	ReasonRevocationMissing: {
		Text{
			"Сертификаттың кері қайтарылмағанын растау мүмкін болмады.", "Не удалось подтвердить, что сертификат не отозван.",
			"It could not be confirmed that a certificate is not revoked.",
		},
		tryLater,
	},
	ReasonCRLExpired: {
		Text{
			"Куәландырушы орталықтың кері қайтарылғандар тізімінің мерзімі өткен.",
			"Срок списка отозванных сертификатов удостоверяющего центра истёк.",
			"The revocation list of the certification authority is out of date.",
		},
		tryLater,
	},
	ReasonServiceNotReachable: {
		Text{
			"Куәландырушы орталықтың қызметі жауап бермеді немесе жарамсыз жауап берді.",
			"Служба удостоверяющего центра не ответила или ответила неверно.",
			"A service of the certification authority did not answer, or not usably.",
		},
		tryLater,
	},
}
