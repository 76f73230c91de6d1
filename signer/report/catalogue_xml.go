package report

var signAgain = Text{
	"Құжатқа стандартты бағдарламамен қайта қол қойыңыз.", "Подпишите документ заново стандартной программой.",
	"Sign the document again with a standard program.",
}

// xmlTexts are the texts of codes that concern XML documents and JWS.
var xmlTexts = map[Code]entry{
	ReasonDoctype: {
		Text{
			"XML құжатында DOCTYPE бар; мұндай құжаттар қауіпті болғандықтан қабылданбайды.",
			"В XML-документе есть DOCTYPE; такие документы опасны и не принимаются.",
			"The XML document has a DOCTYPE; such documents are dangerous and are not taken.",
		},
		Text{
			"DOCTYPE-ты алып тастап, құжатқа қайта қол қойыңыз.", "Уберите DOCTYPE и подпишите документ заново.",
			"Remove the DOCTYPE and sign the document again.",
		},
	},
	ReasonXMLStructure: {
		Text{
			"XML қолтаңбасының құрылымы бұзылған немесе оны екі түрлі оқуға болады.",
			"Структура XML-подписи нарушена, или её можно прочесть двояко.",
			"The structure of the XML signature is broken, or it can be read in two ways.",
		},
		signAgain,
	},
	ReasonJWSStructure: {
		Text{
			"JWS тақырыбы қате немесе қауіпті: оны екі түрлі оқуға болады, ол өз кілтін алып келеді немесе түсініксіз нәрсені талап етеді.",
			"Заголовок JWS ошибочен или опасен: его можно прочесть двояко, он приносит свой ключ или требует непонятного.",
			"The header of the JWS is wrong or dangerous: it can be read in two ways, brings its own key, or asks for what is not understood.",
		},
		signAgain,
	},
	ReasonReferenceRefused: {
		Text{
			"Қолтаңба рұқсат етілмеген түрлендіруді, сыртқы сілтемені немесе тым көп есептеуді талап етеді.",
			"Подпись требует недопустимого преобразования, внешней ссылки или слишком больших вычислений.",
			"The signature asks for a transform that is not allowed, for something outside, or for too much work.",
		},
		signAgain,
	},
	ReasonPartial: {
		Text{
			"Қолтаңба құжатты тұтас емес, тек бір бөлігін қамтиды.", "Подпись охватывает не весь документ, а только его часть.",
			"The signature covers a part of the document, not the whole.",
		},
		Text{
			"Тек көрсетілген бөліктерге сеніңіз: қалғанына қол қойылмаған.",
			"Полагайтесь только на указанные части: остальное не подписано.",
			"Rely on the parts that are named only: the rest is not signed.",
		},
	},
	ReasonNotCovered: {
		Text{
			"Қолтаңба берілген деректердің ешқайсысын қамтымайды.", "Подпись не охватывает переданные данные.",
			"The signature does not cover the data that was handed in.",
		},
		Text{
			"Бұл деректерге қол қойылған құжатты сұраңыз.", "Запросите документ, в котором эти данные подписаны.",
			"Ask for a document in which this data is signed.",
		},
	},
	ReasonBodyNotCovered: {
		Text{
			"SOAP хабарының негізгі бөлігіне (Body) қол қойылмаған.", "Основная часть (Body) сообщения SOAP не подписана.",
			"The Body of the SOAP message is not signed.",
		},
		Text{
			"Хабарға сенуге болмайды. Жіберушіден Body бөлігіне қол қоюды сұраңыз.",
			"Полагаться на сообщение нельзя. Попросите отправителя подписать Body.",
			"Do not rely on the message. Ask the sender to sign its Body.",
		},
	},
	ReasonPropertiesUnsigned: {
		Text{
			"Қолтаңба өз қасиеттерін (уақыты, сертификаты, саясаты) стандарт бойынша қамтымайды.",
			"Подпись не охватывает свои свойства (время, сертификат, политика) так, как требует стандарт.",
			"The signature does not cover its properties (time, certificate, policy) as the standard wants it.",
		},
		Text{
			"Қамтылмаған қасиеттерге сенбеңіз.", "Не полагайтесь на свойства, которые не подписаны.",
			"Do not rely on properties that are not signed.",
		},
	},
	ReasonCounterElsewhere: {
		Text{
			"Растаушы қолтаңба өзі тұрған қолтаңбаны емес, басқа нәрсені қамтиды.",
			"Заверяющая подпись относится не к той подписи, в которой она стоит.",
			"The counter-signature is over something else than the signature that it stands in.",
		},
		Text{
			"Бұл растаушы қолтаңбаға сенбеңіз.", "Не полагайтесь на эту заверяющую подпись.", "Do not rely on this counter-signature.",
		},
	},
	ReasonLaterSignatures: {
		Text{
			"Қолтаңба құжатты кейін қосылған қолтаңбаларсыз қамтиды.", "Подпись охватывает документ без добавленных позже подписей.",
			"The signature covers the document without the signatures that were added later.",
		},
		Text{"Ештеңе істеу қажет емес.", "Ничего делать не нужно.", "Nothing needs to be done."},
	},
}
