package receipt

import (
	"bytes"
	_ "embed" // the fonts
	"fmt"
	"image/color"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/boombuler/barcode/qr"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// The fonts carry the Kazakh letters ә ғ қ ң ө ұ ү һ і, which the standard fonts of PDF lack. Licence: fonts/LICENSE.
var (
	//go:embed fonts/DejaVuSans.ttf
	fontRegular []byte
	//go:embed fonts/DejaVuSans-Bold.ttf
	fontBold []byte
)

// Fonts returns the regular and the bold face that documents of the gateway are set in, as TrueType. They are not to be changed.
func Fonts() (regular, bold []byte) { return fontRegular, fontBold }

// Layout of the page, in millimetres.
const (
	fontName     = "dejavu"
	marginMM     = 18.0
	labelWidthMM = 62.0
	lineMM       = 4.4
	qrSizeMM     = 38.0
	gapMM        = 2.2
	sealHeightMM = 32.0
)

// page draws a receipt.
type page struct {
	*fpdf.Fpdf
	width float64
	lang  Language
}

// Drawing is the page of a receipt before it is sealed.
type Drawing struct {
	PDF []byte
	// Page, counted from 0, and X and Y, in points from the lower left corner, are where a visible seal has its place: 92 by 32 mm.
	Page int
	X, Y float64
}

// PDF renders the receipt for people, in Kazakh and Russian side by side (R13), with a QR code that leads to the page
// where anyone verifies it. It is Draw without the place of the seal.
func PDF(c Core) ([]byte, error) {
	d, err := Draw(c, Bilingual)
	return d.PDF, err
}

// Draw renders the page and keeps a place for the seal. Journal and PDFSHA256 of the core are not needed. The same core gives the same bytes.
func Draw(c Core, lang Language) (Drawing, error) {
	p, err := begin(c, lang, lang.say(label{"Түбіртек", "Квитанция", "Receipt"})+" "+c.Code,
		label{"Төлем туралы түбіртек", "Квитанция об оплате", "Receipt of payment"})
	if err != nil {
		return Drawing{}, err
	}
	if err := p.payment(c); err != nil {
		return Drawing{}, err
	}
	p.foot(c)
	return p.end()
}

// begin makes the first page with its head.
func begin(c Core, lang Language, title string, heading label) (*page, error) {
	issued, err := time.Parse(time.RFC3339Nano, c.IssuedAt)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the time of issue: %w", err)
	}
	p := newPage(c, lang, title, issued)
	return p, p.head(c, heading, issued)
}

// payment draws what was paid, by whom and through whom.
func (p *page) payment(c Core) error {
	executed, err := time.Parse(time.RFC3339Nano, c.ExecutedAt)
	if err != nil {
		return fmt.Errorf("couldn't read the time of execution: %w", err)
	}
	p.section(label{"Төлем", "Платёж", "Payment"}, "")
	p.row(label{"Төлеуші", "Плательщик", "Payer"}, join(c.Payer.Name, p.say("ЖСН/БСН · ИИН/БИН ", "IIN/BIN ")+c.Payer.ID))
	p.row(label{"Сома", "Сумма", "Amount"}, tenge(c.Amount))
	if taken := c.Commission; taken != nil {
		p.row(label{"Банк комиссиясы", "Комиссия банка", "Bank's commission"}, tenge(money.FromTiyn(taken.Tiyn)))
		p.row(label{"Шоттан алынған сома", "Всего списано со счёта", "Debited in all"}, tenge(money.FromTiyn(taken.Debit)))
	}
	p.row(label{"Банк", "Банк", "Bank"}, join(c.Bank.Name, p.say("БСК · БИК ", "BIC ")+c.Bank.BIC))
	p.row(label{"Банк нөмірі", "Номер операции банка", "Bank's reference"}, c.BankReference)
	p.row(label{"Орындалған уақыты", "Исполнено", "Executed at"}, local(executed))
	p.row(label{"Тапсырыс", "Заказ", "Order"}, c.Order)
	for i, item := range c.Items {
		p.item(i+1, len(c.Items), item)
	}
	return nil
}

// end keeps the place of the seal and renders.
func (p *page) end() (Drawing, error) {
	place := p.seal()
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return Drawing{}, fmt.Errorf("couldn't render the receipt: %w", err)
	}
	place.PDF = out.Bytes()
	return place, nil
}

// pointsPerMM are those of PDF, of which 72 make an inch.
const pointsPerMM = 72 / 25.4

// seal keeps the place for a visible seal at the end, on a page of its own where it does not fit.
func (p *page) seal() Drawing {
	_, height := p.GetPageSize()
	if p.GetY()+gapMM+sealHeightMM > height-marginMM {
		p.AddPage()
	}
	top := p.GetY() + gapMM
	return Drawing{Page: p.PageNo() - 1, X: marginMM * pointsPerMM, Y: (height - top - sealHeightMM) * pointsPerMM}
}

func newPage(c Core, lang Language, title string, issued time.Time) *page {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(issued.UTC())
	f.SetModificationDate(issued.UTC())
	f.SetProducer("qaqpa", true)
	f.SetTitle(title, true)
	f.SetAuthor(lang.name(c.Issuer.Name, " · "), true)
	f.SetLang(lang.tag())
	f.AddUTF8FontFromBytes(fontName, "", fontRegular)
	f.AddUTF8FontFromBytes(fontName, "B", fontBold)
	f.SetMargins(marginMM, marginMM, marginMM)
	f.SetAutoPageBreak(true, marginMM)
	f.SetFooterFunc(func() {
		f.SetY(-12)
		f.SetFont(fontName, "", 7)
		f.SetTextColor(110, 110, 110)
		f.CellFormat(0, 4, fmt.Sprintf("%s   ·   %d", c.Code, f.PageNo()), "", 0, "C", false, 0, "")
	})
	f.AddPage()
	w, _ := f.GetPageSize()
	return &page{Fpdf: f, width: w - 2*marginMM, lang: lang}
}

// head draws the title with the QR code beside it.
func (p *page) head(c Core, heading label, issued time.Time) error {
	top := p.GetY()
	left := p.width - qrSizeMM - 6
	p.SetTextColor(20, 60, 110)
	first, second := p.lang.pair(heading)
	p.lines(left, 17, 7.5, "B", first)
	if second != "" {
		p.lines(left, 12, 6, "", second)
	}
	p.Ln(3)
	p.SetTextColor(0, 0, 0)
	first, second = p.lang.pair(label(c.Issuer.Name))
	p.lines(left, 9, lineMM, "B", first)
	if second != "" {
		p.lines(left, 8.5, lineMM, "", second)
	}
	p.lines(left, 8.5, lineMM, "", p.say("БСН · БИН ", "BIN ")+c.Issuer.BIN)
	p.Ln(2)
	p.lines(left, 8.5, lineMM, "", p.lang.say(label{"Түбіртек", "Квитанция", "Receipt"})+"  "+c.ID)
	p.lines(left, 8.5, lineMM, "", p.lang.say(label{"Берілген уақыты", "Выдана", "Issued at"})+"  "+local(issued))
	bottom := p.GetY()
	if err := p.qr(VerifyURL(c.Issuer.URL, c.Code), marginMM+p.width-qrSizeMM, top); err != nil {
		return err
	}
	p.SetXY(marginMM+p.width-qrSizeMM-4, top+qrSizeMM+1)
	p.SetFont(fontName, "B", 9)
	p.CellFormat(qrSizeMM+8, 5, c.Code, "", 2, "C", false, 0, "")
	p.SetXY(marginMM, max(bottom, top+qrSizeMM+7)+gapMM)
	return nil
}

// qr draws the code as rectangles, which print sharply at any size.
func (p *page) qr(text string, x, y float64) error {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return fmt.Errorf("couldn't make the QR code: %w", err)
	}
	n := code.Bounds().Dx()
	module := qrSizeMM / float64(n)
	p.SetFillColor(0, 0, 0)
	for row := range n {
		for column := 0; column < n; column++ {
			run := 0
			for column+run < n && code.At(column+run, row) == color.Black {
				run++
			}
			if run > 0 {
				p.Rect(x+float64(column)*module, y+float64(row)*module, float64(run)*module, module, "F")
				column += run
			}
		}
	}
	p.LinkString(x, y, qrSizeMM, qrSizeMM, text)
	return nil
}

func (p *page) item(number, of int, item Item) {
	count := ""
	if of > 1 {
		count = fmt.Sprintf(" %d / %d", number, of)
	}
	p.section(label{"Қызмет", "Услуга", "Service"}, count)
	p.row(label{"Атауы", "Наименование", "Name"}, p.lang.name(item.ServiceName, "\n"))
	p.row(label{"Мемлекеттік орган", "Государственный орган", "Agency"}, p.lang.name(item.AgencyName, "\n"))
	p.row(label{"Борыш нөмірі", "Номер начисления", "Number of the debt"}, item.Reference)
	if item.Purpose != "" {
		p.row(label{"Төлем мақсаты", "Назначение", "Purpose"}, item.Purpose)
	}
	p.row(label{"Алушы", "Получатель", "Beneficiary"}, join(item.Beneficiary.Name, p.say("БСН · БИН ", "BIN ")+item.Beneficiary.BIN,
		p.say("ЖСК · ИИК ", "IBAN ")+item.Beneficiary.Account+p.say(", БСК · БИК ", ", BIC ")+item.Beneficiary.BIC))
	p.row(label{"Бюджет коды · ТМК · БеК", "КБК · КНП · КБе", "KBK · KNP · KBe"}, item.KBK+" · "+item.KNP+" · "+item.KBE)
	p.row(label{"Сома", "Сумма", "Amount"}, join(tenge(item.Amount), p.basis(item.Basis)))
	p.term(item)
}

// term names the whole debt with what was taken off, or with what stays owed.
func (p *page) term(item Item) {
	t := item.Term
	if t == nil {
		return
	}
	p.row(label{"Берешектің толық сомасы", "Полная сумма задолженности", "Full amount of the debt"}, tenge(money.FromTiyn(t.Full)))
	if d := t.Discount; d != nil {
		until := p.say(fmt.Sprintf("%s дейін · до %s", d.Until, d.Until), "until "+d.Until)
		p.row(label{"Жеңілдік", "Скидка", "Discount"}, fmt.Sprintf("%s (%s %%, %s)", tenge(money.FromTiyn(d.Tiyn)), p.decimal(d.Percent), until))
		return
	}
	p.row(label{"Бөліп төлеу: қалғаны", "Оплата частями: остаток", "Paid in parts: still owed"}, tenge(money.FromTiyn(t.Rest)))
}

// decimal is a number with the sign that the language has between its parts.
func (p *page) decimal(number string) string {
	if p.lang == English {
		return number
	}
	return strings.Replace(number, ".", ",", 1)
}

// basis tells how an amount was made, in the terms of the law.
func (p *page) basis(b catalog.Basis) string {
	rate := p.decimal(string(b.Rate))
	switch b.Kind {
	case catalog.Percent:
		return p.say(fmt.Sprintf("талап сомасынан · от суммы иска %s %% (%s)", rate, b.On), fmt.Sprintf("%s %% of the claim (%s)", rate, b.On))
	case catalog.MRPRate:
		of := tenge(money.FromTiyn(b.MRP))
		return p.say(fmt.Sprintf("%s АЕК · МРП × %s (%s)", rate, of, b.On), fmt.Sprintf("%s MCI × %s (%s)", rate, of, b.On))
	case catalog.Fixed, catalog.Stated:
	}
	return ""
}

// rule draws a line over the width.
func (p *page) rule() {
	p.Ln(gapMM)
	p.SetDrawColor(190, 190, 190)
	p.Line(marginMM, p.GetY(), marginMM+p.width, p.GetY())
	p.Ln(gapMM)
	p.SetTextColor(60, 60, 60)
}

func (p *page) foot(c Core) {
	p.rule()
	address := c.Issuer.URL + "/verify"
	p.notes(label{
		"Бұл құжат электрондық цифрлық қолтаңбамен куәландырылған және төлем журналына енгізілген. Түпнұсқалығын " +
			address + " бетінде код бойынша немесе QR арқылы кез келген адам тексере алады.",
		"Документ удостоверен электронной цифровой подписью и внесён в журнал платежей. Подлинность может проверить " +
			"любой на странице " + address + " по коду или по QR.",
		"This document is a translation of receipt " + c.Code + ". It is certified by an electronic digital signature, and the payment is entered in the journal " +
			"of payments. Anyone can verify it at " + address + " by its code or QR.",
	})
}

// notes writes small print in the languages of the page.
func (p *page) notes(text label) {
	first, second := p.lang.pair(text)
	p.lines(p.width, 8, 4, "", first)
	if second != "" {
		p.Ln(1)
		p.lines(p.width, 8, 4, "", second)
	}
}

// section begins a part of the page; after stands behind its name.
func (p *page) section(name label, after string) {
	if p.GetY() > 250 {
		p.AddPage()
	}
	p.Ln(gapMM)
	p.SetFillColor(232, 239, 247)
	p.SetTextColor(20, 60, 110)
	p.SetFont(fontName, "B", 9.5)
	first, second := p.lang.pair(name)
	text := first + after
	if second != "" {
		text += "  ·  " + second + after
	}
	p.CellFormat(p.width, 6.5, "  "+text, "", 1, "L", true, 0, "")
	p.Ln(gapMM / 2)
}

// row draws a label in the languages of the page and a value; they wrap independently and stay on one page.
func (p *page) row(name label, value string) {
	valueWidth := p.width - labelWidthMM
	p.SetFont(fontName, "", 9)
	lines := 0
	for part := range strings.SplitSeq(value, "\n") {
		lines += max(1, len(p.SplitText(part, valueWidth)))
	}
	height := max(float64(lines)*lineMM, 2*lineMM)
	if _, pageHeight := p.GetPageSize(); p.GetY()+height > pageHeight-marginMM {
		p.AddPage()
	}
	top := p.GetY()
	p.SetTextColor(90, 90, 90)
	first, second := p.lang.pair(name)
	p.lines(labelWidthMM, 8.5, lineMM, "", first)
	if second != "" {
		p.SetX(marginMM)
		p.lines(labelWidthMM, 7.5, lineMM-0.4, "", second)
	}
	labelBottom := p.GetY()
	p.SetXY(marginMM+labelWidthMM, top)
	p.SetTextColor(0, 0, 0)
	p.lines(valueWidth, 9, lineMM, "", value)
	p.SetXY(marginMM, max(labelBottom, p.GetY())+gapMM/2)
}

// lines writes wrapped text of a width from the current place.
func (p *page) lines(width, size, height float64, style, text string) {
	x := p.GetX()
	p.SetFont(fontName, style, size)
	p.MultiCell(width, height, text, "", "L", false)
	p.SetX(x)
}

func join(parts ...string) string {
	out := ""
	for _, part := range parts {
		if part != "" && out != "" {
			out += "\n"
		}
		out += part
	}
	return out
}

// tenge renders an amount for people: groups of three and the sign of the currency.
func tenge(a money.Amount) string {
	decimal := a.Decimal()
	whole, part := decimal[:len(decimal)-3], decimal[len(decimal)-2:]
	var out strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 && whole[i-1] != '-' {
			out.WriteRune('\u00a0')
		}
		out.WriteRune(digit)
	}
	return out.String() + "," + part + " ₸"
}

// local renders a time for people in Almaty.
func local(at time.Time) string {
	return at.In(catalog.Almaty()).Format("02.01.2006 15:04:05") + " (UTC+5)"
}
