package portal

import (
	"fmt"
	"time"

	"qaqpa/payment"
)

// The chart of traffic, in units of its SVG. A bar is one minute of the last two hours.
const (
	chartMinutes = 120
	chartBar     = 5
	chartGap     = 1
	chartBase    = 100
	chartTop     = 16
	chartHeight  = 124
)

// TrafficSpan is how far back the chart of traffic reaches.
const TrafficSpan = chartMinutes * time.Minute

type bar struct {
	Class      string
	X, Y, W, H int64
}

// chart is traffic as bars, drawn here: a page needs no script for it.
type chart struct {
	Width, Height, Base          int
	Bars                         []bar
	From, To, Peak               string
	Executed, Refused, Open, Sum string
	Rate                         string
}

// trafficChart draws the minutes up to now; nil when nothing happened.
func trafficChart(w words, list []payment.Traffic, now time.Time) *chart {
	start := now.Truncate(time.Minute).Add(-(chartMinutes - 1) * time.Minute)
	c := chart{Width: chartMinutes * (chartBar + chartGap), Height: chartHeight, Base: chartBase}
	var executed, refused, open, tiyn, peak int64
	for _, t := range list {
		executed, refused, open, tiyn = executed+t.Executed, refused+t.Refused, open+t.Open, tiyn+t.Tiyn
		peak = max(peak, t.Executed+t.Refused+t.Open)
	}
	if peak == 0 {
		return nil
	}
	for _, t := range list {
		minute := int64(t.At.Sub(start) / time.Minute)
		if minute < 0 || minute >= chartMinutes {
			continue
		}
		y := int64(chartBase)
		for _, part := range []struct {
			class string
			n     int64
		}{{"bar-executed", t.Executed}, {"bar-refused", t.Refused}, {"bar-open", t.Open}} {
			if part.n == 0 {
				continue
			}
			h := max(1, part.n*(chartBase-chartTop)/peak)
			y -= h
			c.Bars = append(c.Bars, bar{part.class, minute * (chartBar + chartGap), y, chartBar, h})
		}
	}
	c.From, c.To = start.In(astana()).Format("15:04"), now.In(astana()).Format("15:04")
	c.Peak = fmt.Sprintf("%d / %s", peak, w.P("traffic.minute"))
	c.Executed, c.Refused, c.Open, c.Sum = fmt.Sprint(executed), fmt.Sprint(refused), fmt.Sprint(open), w.Money(tiyn, "KZT")
	c.Rate = "—"
	if decided := executed + refused; decided > 0 {
		c.Rate = fmt.Sprintf("%d %%", executed*100/decided)
	}
	return &c
}
