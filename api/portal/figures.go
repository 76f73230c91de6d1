package portal

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"qaqpa/api/watch"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// BankOwes is what a bank owes by the ledger; Known is false when the ledger could not be asked in time.
type BankOwes struct {
	Bank  catalog.Bank
	Tiyn  int64
	Known bool
}

// LatencySlot and LatencySpan are the width of a point of the chart of times, and how far back it reaches.
const (
	LatencySlot = 5 * time.Minute
	LatencySpan = 2 * time.Hour
)

// The chart of times, in units of its SVG. Times are drawn by their logarithm, from a millisecond to ten seconds.
const (
	linesWidth  = 720
	linesHeight = 240
	linesLeft   = 100
	linesRight  = 60
	linesApart  = 24
	linesBase   = 210
	linesTop    = 20
	fastest     = time.Millisecond
	slowest     = 10 * time.Second
)

type curve struct {
	Name, Class, Points, EndX, EndY string
	Dots                            []dot
	end                             float64
}

type dot struct{ X, Y string }

type tick struct{ Text, Y string }

// latencyChart is how long requests took, as lines and as a table.
type latencyChart struct {
	Width, Height, Left, Base int
	Curves                    []curve
	Ticks                     []tick
	From, To                  string
	Rows                      []latencyRow
}

type latencyRow struct{ Class, Count, P50, P95, P99 string }

// quantiles are what is drawn and told.
func quantiles() []struct {
	Name string
	Q    float64
} {
	return []struct {
		Name string
		Q    float64
	}{{"p50", .5}, {"p95", .95}, {"p99", .99}}
}

// latencyModel draws all requests together and tells the classes apart in a table; nil without requests.
func latencyModel(w words, slots []watch.Slot, now time.Time) *latencyChart {
	if len(slots) == 0 {
		return nil
	}
	c := &latencyChart{Width: linesWidth, Height: linesHeight, Left: linesLeft, Base: linesBase}
	start := now.Add(-LatencySpan).Truncate(LatencySlot)
	points := int(LatencySpan/LatencySlot) + 1
	all, classes := make([]watch.Counts, points), map[string]*watch.Counts{}
	for _, s := range slots {
		if i := int(s.At.Sub(start) / LatencySlot); i >= 0 && i < points {
			all[i].Add(s.Counts[:])
		}
		if classes[s.Class] == nil {
			classes[s.Class] = new(watch.Counts)
		}
		classes[s.Class].Add(s.Counts[:])
	}
	for _, q := range quantiles() {
		c.Curves = append(c.Curves, curveOf(q.Name, q.Q, all))
	}
	// Names that would lie over each other move up.
	for i := range c.Curves {
		if i > 0 {
			c.Curves[i].end = min(c.Curves[i].end, c.Curves[i-1].end-linesApart)
		}
		c.Curves[i].EndY = number(c.Curves[i].end)
	}
	for _, t := range []time.Duration{fastest, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, slowest} {
		c.Ticks = append(c.Ticks, tick{w.span(t), number(heightOf(t))})
	}
	for _, class := range []string{"pay", "judge", "other"} {
		if n := classes[class]; n != nil {
			c.Rows = append(c.Rows, latencyRow{w.T("latency." + class), strconv.FormatInt(n.Total(), 10), w.span(n.Quantile(.5)), w.span(n.Quantile(.95)), w.span(n.Quantile(.99))})
		}
	}
	c.From, c.To = start.In(astana()).Format("15:04"), now.In(astana()).Format("15:04")
	return c
}

// curveOf leaves slots without requests out of its line.
func curveOf(name string, q float64, all []watch.Counts) curve {
	out := curve{Name: name, Class: "line-" + name}
	var points []string
	for i := range all {
		if all[i].Total() == 0 {
			continue
		}
		x := linesLeft + float64(i)*(linesWidth-linesLeft-linesRight)/float64(max(len(all)-1, 1))
		y := heightOf(all[i].Quantile(q))
		points = append(points, number(x)+","+number(y))
		out.Dots = append(out.Dots, dot{number(x), number(y)})
		out.EndX, out.end = number(x+8), y+4
	}
	out.Points = strings.Join(points, " ")
	return out
}

// heightOf is where a time stands in the chart.
func heightOf(t time.Duration) float64 {
	t = min(max(t, fastest), slowest)
	share := math.Log(float64(t)/float64(fastest)) / math.Log(float64(slowest)/float64(fastest))
	return linesBase - share*(linesBase-linesTop)
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', 0, 64) }

// span is a short time as people read it.
func (w words) span(t time.Duration) string {
	point := func(text string) string {
		if w.lang != "en" {
			return strings.Replace(text, ".", ",", 1)
		}
		return text
	}
	if t < time.Second {
		text := strconv.FormatFloat(float64(t)/float64(time.Millisecond), 'f', -1, 64)
		if t >= 10*time.Millisecond {
			text = strconv.FormatInt(t.Milliseconds(), 10)
		} else if whole, rest, ok := strings.Cut(text, "."); ok {
			text = whole + "." + rest[:1]
		}
		return point(text) + "\u00a0" + w.P("unit.ms")
	}
	return point(strings.TrimSuffix(strconv.FormatFloat(t.Seconds(), 'f', 1, 64), ".0")) + "\u00a0" + w.P("unit.s")
}

// rateChart is what share of the lines of statements rules matched, day by day.
type rateChart struct {
	Width, Height, Base int
	Bars                []bar
	From, To, Share     string
	Rows                []rateRow
}

type rateRow struct{ Bank, Lines, Matched, Share, Tone string }

// shareText is a share of whole lines, rounded down, so that only all is 100 %.
func shareText(w words, part, whole int64) string {
	if whole == 0 {
		return "—"
	}
	text := fmt.Sprintf("%d.%d", part*100/whole, part*1000/whole%10)
	if w.lang != "en" {
		text = strings.Replace(text, ".", ",", 1)
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, ".0"), ",0") + "\u00a0%"
}

// rateModel draws a bar for each day that has statements, over the whole of which it stands what was matched, at its place in the fortnight
// that ends with the last of them; nil without any.
func rateModel(w words, list []payment.MatchDay, names map[string]string) *rateChart {
	if len(list) == 0 {
		return nil
	}
	type sums struct{ lines, matched int64 }
	days, banks := map[catalog.Date]*sums{}, map[string]*sums{}
	var total sums
	for _, d := range list {
		for _, s := range []*sums{entryOf(days, d.Day), entryOf(banks, d.Bank), &total} {
			s.lines, s.matched = s.lines+d.Lines, s.matched+d.Matched
		}
	}
	const wide, gap, slots, whole = 44, 8, 14, chartBase - chartTop
	order := sortedKeys(days)
	last := order[len(order)-1]
	span := max(slots-1, daysBetween(order[0], last)) // from the left edge to the last
	c := &rateChart{Width: int(span+1) * (wide + gap), Height: chartHeight, Base: chartBase, Share: shareText(w, total.matched, total.lines)}
	for _, day := range order {
		x, h := (span-daysBetween(day, last))*(wide+gap), int64(0)
		if s := days[day]; s.lines > 0 {
			h = whole * s.matched / s.lines
		}
		c.Bars = append(c.Bars, bar{"track", x, chartTop, wide, whole}, bar{"bar-executed", x, chartBase - h, wide, h})
	}
	c.From, c.To = w.Day(daysBefore(last, span)), w.Day(last)
	for _, bic := range sortedKeys(banks) {
		s := banks[bic]
		row := rateRow{named(names, bic), strconv.FormatInt(s.lines, 10), strconv.FormatInt(s.matched, 10), shareText(w, s.matched, s.lines), "passed"}
		if s.matched < s.lines {
			row.Tone = "unclear"
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// daysBetween counts the days from one day to a later one; dates are those of the database.
func daysBetween(from, to catalog.Date) int64 {
	a, err1 := time.Parse(time.DateOnly, string(from))
	b, err2 := time.Parse(time.DateOnly, string(to))
	if err1 != nil || err2 != nil {
		return 0
	}
	return int64(b.Sub(a) / (24 * time.Hour))
}

func daysBefore(day catalog.Date, days int64) catalog.Date {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return day
	}
	return catalog.Date(t.AddDate(0, 0, -int(days)).Format(time.DateOnly))
}

// debtsChart is what banks owe now, a bar for each.
type debtsChart struct {
	Sum, At string
	Rows    []debtRow
}

type debtRow struct {
	Bank, Owed string
	Share      int64
	Known      bool
}

// debtsModel puts the greatest debt at a full bar.
func debtsModel(w words, list []BankOwes, taken time.Time) *debtsChart {
	if len(list) == 0 {
		return nil
	}
	c := &debtsChart{At: w.Date(taken)}
	var most, sum int64 = 1, 0
	for _, b := range list {
		most, sum = max(most, b.Tiyn), sum+b.Tiyn
	}
	for _, b := range list {
		row := debtRow{Bank: b.Bank.Name + " (" + b.Bank.BIC + ")", Owed: w.Money(b.Tiyn, "KZT"), Known: b.Known, Share: max(b.Tiyn, 0) / max(1, most/100)}
		row.Share = min(row.Share, 100)
		if !b.Known {
			row.Owed = "—"
		}
		c.Rows = append(c.Rows, row)
	}
	c.Sum = w.Money(sum, "KZT")
	return c
}

// entryOf finds or makes the value of a key.
func entryOf[K comparable, V any](m map[K]*V, key K) *V {
	if m[key] == nil {
		m[key] = new(V)
	}
	return m[key]
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
