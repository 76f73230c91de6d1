package receipt

import (
	"fmt"
	"strings"
	"time"

	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// DrawCourt renders a court's copy: the facts of the payment, who authorised it and what the verdict on his signature is, the bank's word, the steps
// of the order, and where the payment stands in the journal. PageSHA256 of the copy is not needed. The same copy gives the same bytes.
func DrawCourt(c Copy) (Drawing, error) {
	if c.Court == nil {
		return Drawing{}, fmt.Errorf("%w: it is no court's", ErrCopy)
	}
	title := label{"Сотқа арналған көшірме", "Копия для суда", "Court's copy"}
	// The code is not the last word: [CodeOfPDF] would take the copy for the receipt's own page.
	p, err := begin(c.Receipt, c.Language, c.Language.say(title)+" "+c.Receipt.Code+" / "+c.Court.ID, label{
		"Төлем туралы түбіртектің сотқа арналған көшірмесі", "Копия квитанции об оплате для суда", "Court's copy of a receipt of payment",
	})
	if err != nil {
		return Drawing{}, err
	}
	if err := p.request(c); err != nil {
		return Drawing{}, err
	}
	if err := p.payment(c.Receipt); err != nil {
		return Drawing{}, err
	}
	for i, a := range c.Court.Authorisations {
		if err := p.authorisation(i+1, len(c.Court.Authorisations), a); err != nil {
			return Drawing{}, err
		}
	}
	if err := p.confirmation(c.Court); err != nil {
		return Drawing{}, err
	}
	if err := p.history(c.Court.History); err != nil {
		return Drawing{}, err
	}
	if err := p.journal(c.Receipt); err != nil {
		return Drawing{}, err
	}
	p.courtFoot(c)
	return p.end()
}

func (p *page) request(c Copy) error {
	p.section(label{"Сұрау салу", "Запрос", "Request"}, "")
	p.row(label{"Көшірме нөмірі", "Номер копии", "Number of the copy"}, c.Court.ID)
	p.row(label{"Кім сұрады", "Кто запросил", "Requested by"}, c.Court.RequestedBy)
	p.row(label{"Негіздеме", "Основание", "Reason"}, c.Court.Reason)
	if err := p.moment(label{"Жасалған уақыты", "Изготовлена", "Made at"}, c.MadeAt); err != nil {
		return err
	}
	if c.Court.Refunded > 0 {
		p.row(label{"Төлеушіге қайтарылды", "Возвращено плательщику", "Returned to the payer"}, tenge(money.FromTiyn(c.Court.Refunded)))
	} else {
		p.row(label{"Төлеушіге қайтарылды", "Возвращено плательщику", "Returned to the payer"}, p.say("жоқ · нет", "nothing"))
	}
	return nil
}

// moment is a row with a time.
func (p *page) moment(name label, at string) error {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return fmt.Errorf("couldn't read a time of the copy: %w", err)
	}
	p.row(name, local(t))
	return nil
}

// methods name how an order is authorised.
func methods(method string) label {
	switch method {
	case "eds":
		return label{"Электрондық цифрлық қолтаңба", "Электронная цифровая подпись", "Electronic digital signature"}
	case "code":
		return label{"Бір реттік код", "Одноразовый код", "One-time code"}
	case "mandate":
		return label{"Тұрақты төлемдер келісімі", "Соглашение о повторяющихся платежах", "Agreement for repeated payments"}
	case "bank":
		return label{"Төлеуші банкінің қол қойылған хабары", "Подписанное сообщение банка плательщика", "Signed message of the payer's bank"}
	}
	return label{method, method, method}
}

func (p *page) authorisation(number, of int, a Authorisation) error {
	count := ""
	if of > 1 {
		count = fmt.Sprintf(" %d / %d", number, of)
	}
	p.section(label{"Төлеушінің келісімі", "Авторизация плательщика", "The payer's authorisation"}, count)
	p.row(label{"Тәсілі", "Способ", "Way"}, p.lang.say(methods(a.Method)))
	p.row(label{"Қол қоюшы", "Подписант", "Signer"}, a.Signer)
	if a.CertificateSHA256 != "" {
		p.row(label{"Сертификат (SHA-256)", "Сертификат (SHA-256)", "Certificate (SHA-256)"}, grouped(a.CertificateSHA256))
	}
	if err := p.statement(a.Statement); err != nil {
		return err
	}
	return p.agreement(a.Agreement)
}

func (p *page) confirmation(c *Court) error {
	if c.Confirmation == nil {
		return nil
	}
	p.section(label{"Банктің растауы", "Подтверждение банка", "The bank's confirmation"}, "")
	p.row(label{"Төлем әрекеті", "Попытка платежа", "Attempt"}, c.Attempt)
	return p.statement(*c.Confirmation)
}

func (p *page) statement(s Statement) error {
	if err := p.moment(label{"Қабылданған уақыты", "Принято", "Taken at"}, s.At); err != nil {
		return err
	}
	if s.SHA256 != "" {
		p.row(label{"Қол қойылған хабар (SHA-256)", "Подписанное сообщение (SHA-256)", "Signed message (SHA-256)"}, grouped(s.SHA256))
	}
	if s.Indication != "" {
		verdict := strings.TrimSpace(s.Indication + " " + s.Sub)
		p.row(label{"Қолтаңбаны тексеру қорытындысы", "Результат проверки подписи", "Verdict on the signature"},
			join(p.lang.say(verdicts(s.Indication)), "EN 319 102-1: "+verdict, s.Verdict))
	} else if s.Verdict != "" {
		p.row(label{"Дәлелдеме", "Доказательство", "Evidence"}, s.Verdict)
	}
	return nil
}

// verdicts put an indication of EN 319 102-1 into words.
func verdicts(indication string) label {
	switch indication {
	case "TOTAL-PASSED":
		return label{"қолтаңба жарамды", "подпись действительна", "the signature is valid"}
	case "TOTAL-FAILED":
		return label{"қолтаңба жарамсыз", "подпись недействительна", "the signature is not valid"}
	}
	return label{"анықталмады", "не установлено", "it could not be decided"}
}

// states name those of an order.
func states(state string) label {
	switch state {
	case "created":
		return label{"жасалды", "создан", "created"}
	case "authorised":
		return label{"авторландырылды", "авторизован", "authorised"}
	case "executing":
		return label{"банкке жіберілді", "передан банку", "with the bank"}
	case "unknown":
		return label{"банк жауабы белгісіз", "исход неизвестен", "outcome unknown"}
	case "executed":
		return label{"орындалды", "исполнен", "executed"}
	}
	return label{state, state, state}
}

func (p *page) history(steps []Step) error {
	p.section(label{"Тапсырыстың барысы", "Ход заказа", "Steps of the order"}, "")
	for _, step := range steps {
		at, err := time.Parse(time.RFC3339Nano, step.At)
		if err != nil {
			return fmt.Errorf("couldn't read a time of the order: %w", err)
		}
		p.row(label{local(at), "", local(at)}, p.lang.say(states(step.State))+" ("+step.Event+")")
	}
	return nil
}

// journal says where the payment stands, so that the proof in the file can be compared with the paper.
func (p *page) journal(c Core) error {
	entry, err := ledger.DecodeEntry([]byte(c.Journal.Leaf))
	if err != nil {
		return fmt.Errorf("couldn't read the journal entry: %w", err)
	}
	checkpoint, err := ledger.PeekCheckpoint(c.Journal.Checkpoint)
	if err != nil {
		return fmt.Errorf("couldn't read the checkpoint: %w", err)
	}
	p.section(label{"Төлем журналы", "Журнал платежей", "Journal of payments"}, "")
	p.row(label{"Жазба", "Запись", "Entry"}, fmt.Sprintf("%d / %d", entry.Bucket, entry.Seq))
	p.row(label{"Жазба (SHA-256)", "Запись (SHA-256)", "Entry (SHA-256)"}, grouped(digestOf([]byte(c.Journal.Leaf))))
	p.row(label{"Бақылау нүктесі", "Контрольная точка", "Checkpoint"}, fmt.Sprintf("№ %d, %s", checkpoint.Number, local(checkpoint.At)))
	p.row(label{"Енгізу дәлелі", "Доказательство включения", "Inclusion proof"}, fmt.Sprintf("%d + %d × SHA-256", len(c.Journal.Path), len(c.Journal.TopPath)))
	p.row(label{"Бақылау нүктесінің қол қойылған мәтіні", "Подписанный текст контрольной точки", "Signed text of the checkpoint"}, strings.TrimSpace(c.Journal.Checkpoint))
	p.row(label{"Тапсырыс құжаты (SHA-256)", "Документ заказа (SHA-256)", "Document of the order (SHA-256)"}, grouped(c.DocumentSHA256))
	p.row(label{"Түбіртек беті (SHA-256)", "Страница квитанции (SHA-256)", "Page of the receipt (SHA-256)"}, grouped(c.PDFSHA256))
	return nil
}

// grouped breaks a digest into groups that an eye can compare.
func grouped(digest string) string {
	const group = 8
	var out strings.Builder
	for i := 0; i < len(digest); i += group {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(digest[i:min(i+group, len(digest))])
	}
	return out.String()
}

func (p *page) courtFoot(c Copy) {
	p.rule()
	address := c.Receipt.Issuer.URL + "/verify"
	p.notes(label{
		"Көшірме «Түбіртек» электрондық құжатынан жасалды және шлюздің электрондық мөрімен куәландырылған. Файлда түбіртек, оның мөрі, төлеуші қол қойған құжат, " +
			"қолтаңбалар мен дәлелдемелер бар (" + CopyName + "). Тексеру: " + address + " немесе желісіз «qaqpa receipt verify».",
		"Копия изготовлена с электронного документа «Квитанция» и удостоверена электронной печатью шлюза. В файле находятся квитанция, её печать, документ, подписанный " +
			"плательщиком, подписи и доказательства (" + CopyName + "). Проверка: " + address + " или без сети «qaqpa receipt verify».",
		"This copy is made from the electronic document “Receipt” and certified by the electronic seal of the gateway. The file holds the receipt, its seal, the document that the " +
			"payer signed, the signatures and the evidence (" + CopyName + "). Verify it at " + address + ", or offline by “qaqpa receipt verify”.",
	})
	if c.Court.Withheld {
		p.Ln(1)
		p.notes(label{
			"Тапсырыс құжаты мен қолтаңбалар қосылмаған: оларда өзге алушыларға төлемдер аталған.",
			"Документ заказа и подписи не приложены: в них названы платежи другим получателям.",
			"The document of the order and the signatures are not enclosed: they name payments to others.",
		})
	}
}
