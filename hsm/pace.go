package hsm

import "time"

// How many sessions of a token are fastest depends on what the token is: one that computes on this machine wants one or two, one that is a
// round trip away as many as it can be given. Nobody knows beforehand, so it is found while calls wait: the number is doubled or halved, and
// stays where it did more in the same time.
const (
	paceFirst  = 8
	paceMost   = 64
	paceCalls  = 64                     // a rate is that of so many calls at least,
	paceWindow = 100 * time.Millisecond // and of so long
	paceMore   = 1.06                   // a doubled number has to be so much faster to stay,
	paceLess   = 0.98                   // a halved one may be so much slower: each session costs a thread and locks
	paceRest   = 50                     // windows between looks up and down once neither has helped
)

// pace finds the fastest number of sessions of one worker process. The zero value is not usable; see newPace. Not safe for concurrent use.
type pace struct {
	width, most int
	began       time.Time // of the window; zero while calls do not wait
	calls       int

	base  float64 // rate at the width that the attempt came from; 0: no attempt is under way
	from  int     // that width
	fresh bool    // the first window after a change tells nothing: calls of before end in it
	up    bool    // direction of the next attempt
	vain  int     // attempts that did not help, in a row
	rest  int     // windows to let pass
}

// bound takes over how many sessions the token has.
func (p *pace) bound(most int) {
	p.most = most
	p.width = min(p.width, most)
}

func newPace(most int) *pace { return &pace{width: min(paceFirst, most), most: most, up: true} }

// done counts a call that has ended, waited telling whether another one waited for its session, and says whether width has changed. While none
// waits, nothing is learnt: the calls, not the sessions, set the rate.
func (p *pace) done(at time.Time, waited bool) bool {
	if !waited {
		p.began, p.calls = time.Time{}, 0
		if p.base > 0 && p.width > p.from { // nobody asks for so many
			p.width, p.base = p.from, 0
			return true
		}
		return false
	}
	if p.began.IsZero() {
		p.began = at
		return false
	}
	p.calls++
	took := at.Sub(p.began)
	if p.calls < paceCalls || took < paceWindow {
		return false
	}
	rate := float64(p.calls) / took.Seconds()
	p.began, p.calls = at, 0
	before := p.width
	p.window(rate)
	return p.width != before
}

func (p *pace) window(rate float64) {
	switch {
	case p.fresh:
		p.fresh = false
	case p.base > 0:
		p.judge(rate)
	case p.rest > 0:
		p.rest--
	default:
		p.attempt(rate)
	}
}

// attempt changes the width to see what it gives.
func (p *pace) attempt(rate float64) {
	if p.up && p.width == p.most || !p.up && p.width == 1 {
		p.up = !p.up
		p.vain++
	}
	if p.vain > 1 || p.most == 1 {
		p.vain, p.rest = 0, paceRest
		return
	}
	p.base, p.from, p.fresh = rate, p.width, true
	if p.up {
		p.width = min(2*p.width, p.most)
	} else {
		p.width /= 2
	}
}

// judge keeps the new width, and goes on the same way next, or takes the old one again.
func (p *pace) judge(rate float64) {
	least := p.base * paceLess
	if p.width > p.from {
		least = p.base * paceMore
	}
	p.base = 0
	if rate >= least {
		p.vain = 0
		return
	}
	p.width, p.fresh = p.from, true
	p.up = !p.up
	p.vain++
}
