package report

// Codes that say why a piece of evidence did not count.
const (
	ReasonEvidenceSignature   Code = "evidence_signature"
	ReasonEvidenceSigner      Code = "evidence_signer"
	ReasonEvidenceSignerDates Code = "evidence_signer_dates"
	ReasonEvidenceFuture      Code = "evidence_from_the_future"
	ReasonEvidenceStale       Code = "evidence_stale"
	ReasonEvidenceScope       Code = "evidence_scope"
	ReasonEvidenceReasons     Code = "evidence_reasons"
	ReasonEvidenceForm        Code = "evidence_form"
	ReasonEvidenceExpiredCert Code = "evidence_after_expiry"
	ReasonEvidenceNonce       Code = "evidence_nonce"
	ReasonEvidenceStatus      Code = "evidence_error_status"
	ReasonNoProof             Code = "no_proof_of_existence"
)

var evidenceTexts = map[Code]entry{
	ReasonNoProof: {
		Text{
			"Сертификаттың немесе кері қайтару туралы деректің қажетті уақытта болғаны дәлелденбеген.",
			"Не доказано, что сертификат или сведения об отзыве существовали в нужное время.",
			"It is not proven that a certificate or its revocation data existed at the time in question.",
		},
		Text{
			"Құжатты мұрағаттық уақыт белгісімен бірге сұраңыз.",
			"Запросите документ с архивным штампом времени.",
			"Ask for the document with an archive time stamp.",
		},
	},
	ReasonEvidenceSignature: {
		Text{
			"Кері қайтару туралы жауаптың немесе тізімнің қолтаңбасы дұрыс емес.",
			"Подпись ответа или списка об отзыве неверна.",
			"The signature of a revocation answer or list is wrong.",
		},
		tryLater,
	},
	ReasonEvidenceSigner: {
		Text{
			"Кері қайтару туралы жауапқа құқығы жоқ тарап қол қойған.", "Ответ об отзыве подписан тем, кто не вправе это делать.",
			"A revocation answer or list is signed by somebody who may not do so.",
		},
		askOperator,
	},
	ReasonEvidenceSignerDates: {
		Text{
			"Кері қайтару туралы жауапқа қол қоюшының сертификатының мерзімі өткен.",
			"Срок сертификата, которым подписан ответ об отзыве, истёк.",
			"The certificate that signed a revocation answer or list is out of date.",
		},
		tryLater,
	},
	ReasonEvidenceFuture: {
		Text{
			"Кері қайтару туралы жауап болашақ уақытпен белгіленген.", "Ответ об отзыве помечен будущим временем.",
			"A revocation answer or list carries a time in the future.",
		},
		Text{"Сағаттарды салыстырыңыз.", "Сверьте часы.", "Compare the clocks."},
	},
	ReasonEvidenceStale: {
		Text{
			"Кері қайтару туралы жауап немесе тізім ескірген.", "Ответ или список об отзыве устарел.",
			"A revocation answer or list is too old.",
		},
		tryLater,
	},
	ReasonEvidenceScope: {
		Text{
			"Кері қайтару туралы жауап басқа сертификаттарға қатысты.", "Ответ об отзыве относится к другим сертификатам.",
			"A revocation answer or list concerns other certificates.",
		},
		tryLater,
	},
	ReasonEvidenceReasons: {
		Text{
			"Кері қайтарылғандар тізімі барлық себептерді қамтымайды.", "Список отозванных охватывает не все причины.",
			"A revocation list does not cover all reasons.",
		},
		tryLater,
	},
	ReasonEvidenceForm: {
		Text{
			"Кері қайтару туралы жауап немесе тізім бүлінген.", "Ответ или список об отзыве повреждён.",
			"A revocation answer or list is damaged.",
		},
		tryLater,
	},
	ReasonEvidenceExpiredCert: {
		Text{
			"Жауап сертификаттың мерзімі өткеннен кейін берілген, сондықтан ештеңе дәлелдемейді.",
			"Ответ дан после истечения срока сертификата и ничего не доказывает.",
			"The answer was given after the certificate had expired and proves nothing.",
		},
		Text{
			"Тексеру деректері енгізілген қолтаңбаны сұраңыз.", "Запросите подпись, в которую вложены данные для проверки.",
			"Ask for a signature that carries its validation data.",
		},
	},
	ReasonEvidenceNonce: {
		Text{
			"Жауап басқа сұрауға берілген: ол ескі жауаптың қайталануы болуы мүмкін.",
			"Ответ дан на другой запрос: это может быть повтор старого ответа.",
			"The answer belongs to another request: it may be an old one replayed.",
		},
		tryLater,
	},
	ReasonEvidenceStatus: {
		Text{
			"Куәландырушы орталықтың қызметі қате туралы хабарлады.", "Служба удостоверяющего центра сообщила об ошибке.",
			"The service of the certification authority reported an error.",
		},
		tryLater,
	},
}
