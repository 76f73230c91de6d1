package report

// Codes that concern PDF documents.
const (
	ReasonPDFStructure Code = "pdf_signature_malformed"
	ReasonPDFChanged   Code = "pdf_changed_after_signing"
	ReasonPDFForbidden Code = "pdf_change_forbidden"
	ReasonPDFLater     Code = "pdf_later_changes"
	ReasonPDFEncrypted Code = "pdf_encrypted"
	ReasonPDFHybrid    Code = "pdf_hybrid_sections"
)

// pdfTexts are the texts of codes that concern PDF documents.
var pdfTexts = map[Code]entry{
	ReasonPDFStructure: {
		Text{
			"PDF қолтаңбасының құрылымы бұзылған: ол файлды тұтас қамтымайды немесе оны екі түрлі оқуға болады.",
			"Структура подписи PDF нарушена: она не охватывает файл целиком, или её можно прочесть двояко.",
			"The structure of the PDF signature is broken: it does not cover the whole file, or it can be read in two ways.",
		},
		signAgain,
	},
	ReasonPDFChanged: {
		Text{
			"Қол қойылғаннан кейін PDF құжатының мазмұны өзгертілген.", "После подписания содержание PDF-документа было изменено.",
			"The content of the PDF document was changed after it had been signed.",
		},
		Text{
			"Құжатқа сенуге болмайды. Қол қоюшыдан қол қойылған түпнұсқаны сұраңыз.",
			"Полагаться на документ нельзя. Запросите у подписавшего исходный подписанный документ.",
			"Do not rely on the document. Ask the signer for the document as it was signed.",
		},
	},
	ReasonPDFForbidden: {
		Text{
			"Қол қойылғаннан кейін PDF құжатына қол қоюшы тыйым салған өзгеріс енгізілген.",
			"После подписания в PDF-документ внесено изменение, которое подписавший запретил.",
			"After signing, the PDF document was changed in a way that the signer forbids.",
		},
		Text{
			"Құжатқа сенуге болмайды. Қол қоюшыдан қол қойылған түпнұсқаны сұраңыз.",
			"Полагаться на документ нельзя. Запросите у подписавшего исходный подписанный документ.",
			"Do not rely on the document. Ask the signer for the document as it was signed.",
		},
	},
	ReasonPDFLater: {
		Text{
			"Қолтаңба PDF құжатының бұрынғы нұсқасын қамтиды; кейін құжатқа өзгерістер енгізілген.",
			"Подпись охватывает более раннюю версию PDF-документа; позже в него вносились изменения.",
			"The signature covers an earlier revision of the PDF document; changes were made later.",
		},
		Text{
			"Кейінгі өзгерістерді қараңыз: бұл қолтаңба оларды растамайды.", "Просмотрите поздние изменения: эта подпись их не заверяет.",
			"Look at the later changes: this signature does not vouch for them.",
		},
	},
	ReasonPDFEncrypted: {
		Text{
			"PDF құжаты құпиясөзбен шифрланған, сондықтан қолтаңбаларын оқу мүмкін емес.",
			"PDF-документ зашифрован паролем, поэтому его подписи прочесть нельзя.",
			"The PDF document is encrypted with a password, so its signatures cannot be read.",
		},
		Text{
			"Құжаттың құпиясөзсіз ашылатын қол қойылған нұсқасын жіберіңіз.",
			"Пришлите подписанный документ, который открывается без пароля.",
			"Send the signed document in a form that opens without a password.",
		},
	},
	ReasonPDFHybrid: {
		Text{
			"PDF файлын ескі бағдарламалар басқаша көрсетуі мүмкін: оның бір бөлігін тек жаңалары оқиды.",
			"Старые программы могут показать PDF-файл иначе: часть его читают только новые.",
			"Old programs may show the PDF file differently: only newer ones read a part of it.",
		},
		Text{
			"Құжатты қазіргі бағдарламамен ашыңыз.", "Откройте документ современной программой.", "Open the document with a current program.",
		},
	},
}
