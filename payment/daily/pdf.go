package daily

import (
	"bytes"
	"fmt"

	"codeberg.org/go-pdf/fpdf"

	"qaqpa/payment/catalog"
	"qaqpa/payment/receipt"
)

// Layout, in millimetres.
const (
	fontName = "dejavu"
	marginMM = 16.0
	rowMM    = 5.2
	chartMM  = 34.0
)

// colour is red, green, blue.
type colour [3]int

var (
	dark   = colour{20, 60, 110}
	pale   = colour{232, 239, 247}
	blue   = colour{58, 110, 165}
	amber  = colour{214, 137, 16}
	grey   = colour{110, 110, 110}
	black  = colour{0, 0, 0}
	thread = colour{200, 205, 212}
)

type page struct {
	*fpdf.Fpdf
	width float64
}

// PDF renders the report on one page, or more if there is much to list. The same report gives the same bytes.
func PDF(r *Report) ([]byte, error) {
	p := newPage(r)
	p.head(r)
	p.accounts(r)
	p.matching(r)
	p.exceptions(r)
	p.owed(r)
	p.trend(r)
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, fmt.Errorf("couldn't render the report of a day: %w", err)
	}
	return out.Bytes(), nil
}

func newPage(r *Report) *page {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(r.MadeAt.UTC())
	f.SetModificationDate(r.MadeAt.UTC())
	f.SetProducer("qaqpa", true)
	f.SetTitle("Салыстырып тексеру · Сверка "+r.Bank+" "+string(r.Day), true)
	f.SetAuthor(r.Issuer, true)
	f.SetLang("kk")
	regular, bold := receipt.Fonts()
	f.AddUTF8FontFromBytes(fontName, "", regular)
	f.AddUTF8FontFromBytes(fontName, "B", bold)
	f.SetMargins(marginMM, marginMM, marginMM)
	f.SetAutoPageBreak(true, marginMM)
	f.SetFooterFunc(func() {
		f.SetY(-11)
		f.SetFont(fontName, "", 7)
		f.SetTextColor(grey[0], grey[1], grey[2])
		f.CellFormat(0, 4, fmt.Sprintf("%s · %s · %d", r.Bank, r.Day, f.PageNo()), "", 0, "C", false, 0, "")
	})
	f.AddPage()
	w, _ := f.GetPageSize()
	return &page{Fpdf: f, width: w - 2*marginMM}
}

func (p *page) ink(c colour)   { p.SetTextColor(c[0], c[1], c[2]) }
func (p *page) paint(c colour) { p.SetFillColor(c[0], c[1], c[2]) }

func (p *page) head(r *Report) {
	p.ink(dark)
	p.SetFont(fontName, "B", 15)
	p.CellFormat(p.width, 7, "Төлемдерді салыстырып тексеру", "", 1, "L", false, 0, "")
	p.SetFont(fontName, "", 11)
	p.CellFormat(p.width, 5.5, "Сверка платежей с банком", "", 1, "L", false, 0, "")
	p.ink(black)
	p.SetFont(fontName, "B", 9.5)
	p.CellFormat(p.width, 6.5, r.BankName+" · "+r.Bank+" · "+dotted(r.Day), "", 1, "L", false, 0, "")
	p.ink(grey)
	p.SetFont(fontName, "", 8)
	p.CellFormat(p.width, 4.5, r.Issuer+" · "+r.MadeAt.In(catalog.Almaty()).Format("02.01.2006 15:04")+" (UTC+5) · ₸", "", 1, "L", false, 0, "")
}

func dotted(d catalog.Date) string {
	if len(d) != len("2006-01-02") {
		return string(d)
	}
	return string(d[8:]) + "." + string(d[5:7]) + "." + string(d[:4])
}

// section begins a part; it moves to the next page rather than stand alone at the foot.
func (p *page) section(n names, heightMM float64) {
	if _, h := p.GetPageSize(); p.GetY()+heightMM+8 > h-marginMM {
		p.AddPage()
	}
	p.Ln(2.5)
	p.paint(pale)
	p.ink(dark)
	p.SetFont(fontName, "B", 9.5)
	p.CellFormat(p.width, 6.5, "  "+n.both(), "", 1, "L", true, 0, "")
	p.Ln(1)
	p.ink(black)
}

// table draws rows of cells; widths are shares of the page. The first column is text, the others numbers.
func (p *page) table(widths []float64, header []string, rows [][]string) {
	line := func(cells []string, style string, size float64) {
		p.SetFont(fontName, style, size)
		for i, c := range cells {
			align := "R"
			if i == 0 {
				align = "L"
			}
			p.CellFormat(widths[i]*p.width, rowMM, p.fitted(c, widths[i]*p.width-2), "", 0, align, false, 0, "")
		}
		p.Ln(rowMM)
	}
	p.ink(grey)
	line(header, "", 7)
	p.ink(black)
	for _, r := range rows {
		line(r, "", 8.5)
	}
}

// fitted shortens a text to a width.
func (p *page) fitted(s string, width float64) string {
	if p.GetStringWidth(s) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 1 && p.GetStringWidth(string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

func (p *page) accounts(r *Report) {
	p.section(names{"Банк үзінді көшірмелері", "Выписки банка"}, 20)
	var rows [][]string
	for _, a := range r.Accounts {
		rows = append(rows, []string{a.Number, tenge(a.Opening), tenge(a.Credit), tenge(a.Debit), tenge(a.Closing), fmt.Sprint(a.Lines)})
	}
	if rows == nil {
		rows = [][]string{{"—", "", "", "", "", ""}}
	}
	p.table([]float64{0.25, 0.17, 0.17, 0.15, 0.17, 0.09}, []string{"Шот · Счёт", "Басы · Начало", "Түсті · Приход", "Шықты · Расход", "Соңы · Конец", "Саны·Кол."}, rows)
}

func (p *page) matching(r *Report) {
	p.section(names{"Сәйкестендіру", "Сопоставление"}, 30)
	rate := share(r.Matched.Count, r.Lines.Count)
	p.SetFont(fontName, "B", 13)
	p.CellFormat(28, 7, percent(rate), "", 0, "L", false, 0, "")
	x, y := p.GetX(), p.GetY()
	width := p.width - 28
	p.paint(thread)
	p.Rect(x, y+1.5, width, 4, "F")
	p.paint(blue)
	p.Rect(x, y+1.5, width*float64(rate)/1000, 4, "F")
	p.Ln(7.5)
	var rows [][]string
	for _, row := range r.Rules {
		rows = append(rows, []string{row.Name, fmt.Sprint(row.Count), tenge(row.Tiyn)})
	}
	rows = append(rows, []string{"Барлығы · Всего", fmt.Sprintf("%d / %d", r.Matched.Count, r.Lines.Count), tenge(r.Matched.Tiyn)})
	p.table([]float64{0.6, 0.16, 0.24}, []string{"Ереже · Правило", "Жол · Строк", "Сома · Сумма"}, rows)
}

func percent(perMille int) string { return fmt.Sprintf("%d,%d %%", perMille/10, perMille%10) }

func (p *page) exceptions(r *Report) {
	p.section(names{"Ашық алшақтықтар", "Открытые расхождения"}, chartMM)
	if len(r.Kinds) == 0 {
		p.SetFont(fontName, "", 9)
		p.CellFormat(p.width, rowMM, "Жоқ · Нет", "", 1, "L", false, 0, "")
		return
	}
	p.bars(r.Kinds, kindName)
	p.Ln(1.5)
	p.SetFont(fontName, "B", 8.5)
	p.CellFormat(p.width, rowMM, "Мерзімі, күн · Возраст, дней", "", 1, "L", false, 0, "")
	rows := make([]Row, len(ageNames))
	for i, n := range ageNames {
		rows[i] = Row{Name: n, Sum: r.Ages[i]}
	}
	p.bars(rows, func(name string) string { return name })
}

// bars draws a row for each sum: name, bar by count, count and money.
func (p *page) bars(rows []Row, name func(string) string) {
	most := int64(1)
	for _, r := range rows {
		most = max(most, r.Count)
	}
	const nameShare, barShare = 0.42, 0.28
	for _, r := range rows {
		if _, h := p.GetPageSize(); p.GetY()+rowMM > h-marginMM {
			p.AddPage()
		}
		p.SetFont(fontName, "", 8.5)
		p.CellFormat(nameShare*p.width, rowMM, p.fitted(name(r.Name), nameShare*p.width-2), "", 0, "L", false, 0, "")
		x, y := p.GetX(), p.GetY()
		p.paint(amber)
		if r.Count > 0 {
			p.Rect(x, y+1.1, max(0.6, barShare*p.width*float64(r.Count)/float64(most)), rowMM-2.2, "F")
		}
		p.SetX(x + barShare*p.width)
		p.CellFormat(0.09*p.width, rowMM, fmt.Sprint(r.Count), "", 0, "R", false, 0, "")
		p.CellFormat((1-nameShare-barShare-0.09)*p.width, rowMM, tenge(r.Tiyn), "", 1, "R", false, 0, "")
	}
}

func (p *page) owed(r *Report) {
	p.section(names{"Банктің міндеттемелері", "Обязательства банка"}, 24)
	rows := [][]string{
		{"Күні үшін расталды · Подтверждено за день", fmt.Sprint(r.Confirmed.Count), tenge(r.Confirmed.Tiyn)},
		{"Оның ішінде түсті · Из них поступило", fmt.Sprint(r.Settled.Count), tenge(r.Settled.Tiyn)},
		{"Барлық берешек · Вся задолженность", fmt.Sprint(r.Owed.Count), tenge(r.Owed.Tiyn)},
	}
	for _, taken := range r.commissions() {
		rows = append(rows, []string{taken.Name, fmt.Sprint(taken.Count), tenge(taken.Tiyn)})
	}
	p.table([]float64{0.6, 0.16, 0.24}, []string{"", "Төлем · Платежей", "Сома · Сумма"}, rows)
}

// trend draws the share of matched lines by day, with the hundred as the upper line.
func (p *page) trend(r *Report) {
	if len(r.Trend) < 2 {
		return
	}
	p.section(names{"Сәйкестендіру үлесі күндер бойынша", "Доля сопоставленных по дням"}, chartMM)
	x, y := p.GetX()+12, p.GetY()+2
	width, height := p.width-12, chartMM-8
	p.SetDrawColor(thread[0], thread[1], thread[2])
	p.SetFont(fontName, "", 6.5)
	for _, at := range []int{0, 500, 1000} {
		line := y + height*(1-float64(at)/1000)
		p.Line(x, line, x+width, line)
		p.SetXY(x-12, line-1.6)
		p.CellFormat(11, 3.2, fmt.Sprintf("%d %%", at/10), "", 0, "R", false, 0, "")
	}
	step := width / float64(len(r.Trend))
	p.paint(blue)
	for i, t := range r.Trend {
		bar := height * float64(t.Share) / 1000
		p.Rect(x+step*(float64(i)+0.15), y+height-bar, step*0.7, bar, "F")
		p.SetXY(x+step*float64(i), y+height+0.6)
		if label := dotted(t.Day); len(label) > 5 {
			p.CellFormat(step, 3.2, label[:5], "", 0, "C", false, 0, "")
		}
	}
	p.SetXY(marginMM, y+height+5)
}
