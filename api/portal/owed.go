package portal

import (
	"fmt"
	"slices"

	"qaqpa/payment"
	"qaqpa/payment/register"
)

// gauge is a bank's guarantee and how much of it is used, as a bar of a hundred.
type gauge struct {
	BIC, Guarantee, Committed, Free string
	Used                            int64
	Class                           string
	// Tight says that little is left, or nothing.
	Tight bool
}

// gaugeOf is nil for a bank without a limit: nothing is counted then.
func gaugeOf(w words, e payment.Exposure) *gauge {
	if e.Guarantee == nil {
		return nil
	}
	g := &gauge{BIC: e.Bank, Guarantee: w.Money(*e.Guarantee, "KZT"), Committed: w.Money(e.Committed, "KZT"), Free: w.Money(e.Free, "KZT"), Used: 100, Class: "bar-executed"}
	if *e.Guarantee > 0 {
		g.Used = 100 - e.Free/max(1, *e.Guarantee/100)
	}
	g.Used = min(max(g.Used, 0), 100)
	g.Tight = g.Used >= 90
	switch {
	case g.Used >= 100:
		g.Class = "bar-refused"
	case g.Used >= 90:
		g.Class = "bar-open"
	}
	return g
}

// owedChart shows day by day what was confirmed and what of it is still owed.
type owedChart struct {
	Width, Height, Base int
	Bars                []bar
	Rows                []owedRow
	Sum                 string
}

type owedRow struct{ Day, Count, Confirmed, Settled, Owed, Tone string }

func owedModel(w words, list []register.Obligation) *owedChart {
	if len(list) == 0 {
		return nil
	}
	const wide, gap = 44, 8
	const slots = 14 // a chart of few days is no higher than one of many
	c := &owedChart{Width: max(len(list), slots) * (wide + gap), Height: chartHeight, Base: chartBase}
	var most, sum int64 = 1, 0
	for _, o := range list {
		most, sum = max(most, o.Confirmed.Tiyn), sum+o.Owed.Tiyn
	}
	for i, o := range list {
		x := int64(i) * (wide + gap)
		settled, owed := share(o.Settled.Tiyn, most), share(o.Owed.Tiyn, most)
		c.Bars = append(c.Bars, bar{"bar-executed", x, chartBase - settled, wide, settled}, bar{"bar-open", x, chartBase - settled - owed, wide, owed})
		row := owedRow{
			Day: w.Day(o.Day), Count: fmt.Sprint(o.Count), Confirmed: w.Money(o.Confirmed.Tiyn, "KZT"), Settled: w.Money(o.Settled.Tiyn, "KZT"), Owed: w.Money(o.Owed.Tiyn, "KZT"), Tone: "passed",
		}
		if o.Owed.Tiyn > 0 {
			row.Tone = "unclear"
		}
		c.Rows = append(c.Rows, row)
	}
	slices.Reverse(c.Rows)
	c.Sum = w.Money(sum, "KZT")
	return c
}

// share is a part of the height of the chart. Sums of a bank fit by far, but nothing is multiplied before it is divided.
func share(tiyn, most int64) int64 {
	return min(chartBase-chartTop, tiyn/max(1, most/(chartBase-chartTop)))
}
