package payment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"qaqpa/payment/debt"
	"qaqpa/payment/order"
	"qaqpa/testenv/sim"
)

// The model of linearizability: one debt and a few orders that want to pay it. An order is signed at most once, of all of
// them at most one is signed while none is refused, and what was signed is not cancelled. The bank's part goes on by itself,
// so everything after the signature counts as signed.
type linearState struct {
	// orders are "created", "cancelled" or "signed", by number.
	orders [linearOrders]string
}

const linearOrders = 3

type linearInput struct {
	op string
	n  int
}

// linearOutput is what a caller saw; undecided ones may have happened or not.
type linearOutput struct {
	ok, undecided bool
	state         string
}

func (s linearState) anySigned() bool {
	for _, o := range s.orders {
		if o == "signed" {
			return true
		}
	}
	return false
}

// linearStep reports whether an answer fits a state, and the state that follows. What is undecided takes effect wherever it
// can; having had none is to have come after everything that was seen (its time is open to the end).
func linearStep(state, input, output any) (bool, any) {
	s, okState := state.(linearState)
	in, okIn := input.(linearInput)
	out, okOut := output.(linearOutput)
	if !okState || !okIn || !okOut {
		return false, state
	}
	if in.op == "read" {
		return out.undecided || s.orders[in.n] == out.state, s
	}
	possible := s.orders[in.n] == "created" && (in.op == "cancel" || !s.anySigned())
	if possible {
		s.orders[in.n] = map[string]string{"cancel": "cancelled", "sign": "signed"}[in.op]
	}
	return out.undecided || out.ok == possible, s
}

func linearModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any {
			var s linearState
			for i := range s.orders {
				s.orders[i] = "created"
			}
			return s
		},
		Step: linearStep,
	}
}

// judged takes from a history what says nothing, for every operation whose time is open doubles the search: undecided reads,
// and of undecided attempts at one thing all but the earliest. Each thing happens to an order once at most, and whenever a
// later attempt did it, the earliest could have.
func judged(history []porcupine.Operation) []porcupine.Operation {
	earliest := map[linearInput]porcupine.Operation{}
	var kept []porcupine.Operation
	for _, op := range history {
		in, _ := op.Input.(linearInput)
		if out, ok := op.Output.(linearOutput); !ok || !out.undecided {
			kept = append(kept, op)
		} else if first, ok := earliest[in]; in.op != "read" && (!ok || op.Call < first.Call) {
			earliest[in] = op
		}
	}
	for _, op := range earliest {
		kept = append(kept, op)
	}
	return kept
}

// linearRun lets clients work on one debt at once while gateways die, and keeps what each of them saw.
type linearRun struct {
	*crashing
	mu      sync.RWMutex // held to read by a call, to write by who replaces the gateway
	orders  [linearOrders]order.Order
	signs   [linearOrders][]byte
	history []porcupine.Operation
	keep    sync.Mutex
	begun   time.Time
}

func (r *linearRun) call(client int, in linearInput, key string) {
	start := time.Since(r.begun)
	r.mu.RLock()
	out, err := r.perform(in, key)
	r.mu.RUnlock()
	end := time.Since(r.begun)
	var refused *Error
	switch {
	case err == nil:
		out.ok = true
	case errors.As(err, &refused) && refused.Kind != KindUnavailable && refused.Code != ErrIdempotencyBusy.Code:
	default:
		out.undecided = true
		end = time.Hour // it may take effect at any later time
	}
	r.keep.Lock()
	defer r.keep.Unlock()
	r.history = append(r.history, porcupine.Operation{
		ClientId: client, Input: in, Call: start.Nanoseconds(), Output: out, Return: end.Nanoseconds(),
	})
}

func (r *linearRun) perform(in linearInput, key string) (linearOutput, error) {
	ctx, id := context.WithoutCancel(r.t.Context()), r.orders[in.n].ID
	idem := Idem{Caller: "client", Key: key}
	switch in.op {
	case "sign":
		_, _, err := r.Authorise(ctx, idem, id, r.signs[in.n])
		return linearOutput{}, err
	case "cancel":
		_, _, err := r.CancelOrder(ctx, idem, id)
		return linearOutput{}, err
	}
	o, err := r.Order(ctx, id)
	out := linearOutput{state: string(o.State)}
	switch o.State {
	case order.Authorised, order.Executing, order.Unknown, order.Executed:
		out.state = "signed"
	case order.Created, order.Cancelled, order.Refused, order.Expired:
	}
	return out, err
}

func newLinearRun(t *testing.T, w *world, seed uint64) *linearRun {
	t.Helper()
	r := &linearRun{crashing: newCrashing(t, w, seed), begun: time.Now()}
	d := r.fee(citizenIIN)
	for i := range r.orders {
		r.orders[i] = r.ordered(citizenIIN, []debt.Debt{d}...)
		r.signs[i] = r.bundle.signed(r.orders[i], citizen(citizenIIN))
	}
	return r
}

// crowd runs the clients; the gateway is ended at a message and started anew while they work.
func (r *linearRun) crowd(seed uint64) {
	const clients, calls = 4, 10
	var wait sync.WaitGroup
	for client := range clients {
		draw := rand.New(rand.NewPCG(seed, uint64(client)+10))
		wait.Go(func() {
			for i := range calls {
				op := []string{"sign", "cancel", "read", "read"}[draw.IntN(4)]
				r.call(client, linearInput{op, draw.IntN(linearOrders)}, fmt.Sprintf("%d-%d", client, i))
			}
		})
	}
	done := make(chan struct{})
	go func() { wait.Wait(); close(done) }()
	for {
		r.proxy.Arm([]sim.Cut{sim.Before, sim.After}[r.draw.IntN(2)], 5+r.draw.IntN(60))
		for !r.proxy.Dead() {
			select {
			case <-done:
				r.restart()
				return
			case <-time.After(time.Millisecond):
			}
		}
		r.mu.Lock() // calls of the dead gateway have failed by now, or will
		r.restart()
		r.mu.Unlock()
	}
}

// Whatever several clients do with one debt at once, while gateways die and are replaced, what they see could have happened
// one after the other.
func TestLinearizable(t *testing.T) {
	runs := 3
	if n, err := strconv.Atoi(os.Getenv("QAQPA_SIM_RUNS")); err == nil {
		runs = n/10 + 1
	}
	w := newWorld(t)
	for seed := range uint64(runs) {
		t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := newLinearRun(t, w, seed)
			r.crowd(seed)
			for i := range r.orders { // and once more when nothing is broken
				r.call(9, linearInput{"read", i}, "")
			}
			switch porcupine.CheckOperationsTimeout(linearModel(), judged(r.history), time.Minute) {
			case porcupine.Illegal:
				t.Errorf("not linearizable: %+v", r.history)
			case porcupine.Unknown:
				t.Error("the history could not be judged in time")
			case porcupine.Ok:
			}
			r.check()
		})
	}
}

// The model itself refuses what must not be.
func TestLinearModelRefuses(t *testing.T) {
	op := func(call, end int64, in linearInput, out linearOutput) porcupine.Operation {
		return porcupine.Operation{Input: in, Output: out, Call: call, Return: end}
	}
	sign, yes, no := func(n int) linearInput { return linearInput{"sign", n} }, linearOutput{ok: true}, linearOutput{}
	for name, history := range map[string][]porcupine.Operation{
		"two orders signed for one debt": {op(0, 1, sign(0), yes), op(2, 3, sign(1), yes)},
		"signed twice":                   {op(0, 1, sign(0), yes), op(2, 3, sign(0), yes)},
		"lost":                           {op(0, 1, sign(0), yes), op(2, 3, linearInput{"read", 0}, linearOutput{ok: true, state: "created"})},
		"refused for nothing":            {op(0, 1, sign(0), no)},
		"signed after being cancelled":   {op(0, 1, linearInput{"cancel", 0}, yes), op(2, 3, sign(0), yes)},
	} {
		if porcupine.CheckOperations(linearModel(), judged(history)) {
			t.Errorf("%s passes", name)
		}
	}
	// Times that are open end in an hour, as call writes them.
	open := func(call int64, in linearInput) porcupine.Operation {
		return op(call, time.Hour.Nanoseconds(), in, linearOutput{undecided: true})
	}
	read := func(n int, state string) (linearInput, linearOutput) {
		return linearInput{"read", n}, linearOutput{ok: true, state: state}
	}
	in, created := read(0, "created")
	_, signed := read(0, "signed")
	for name, history := range map[string][]porcupine.Operation{
		"it has not happened":            {open(0, sign(0)), op(2, 3, sign(1), yes)},
		"it has happened":                {open(0, sign(0)), op(2, 3, sign(1), no)},
		"the second attempt happened":    {open(0, sign(0)), op(1, 2, in, created), open(3, sign(0)), op(4, 5, in, signed)},
		"the first happened late":        {open(0, sign(0)), open(1, sign(0)), op(4, 5, in, created), op(6, 7, in, signed)},
		"a read without an answer is no": {open(0, in), op(2, 3, sign(0), yes), op(4, 5, in, signed)},
	} {
		if !porcupine.CheckOperations(linearModel(), judged(history)) {
			t.Errorf("%s: what is undecided may have happened or not", name)
		}
	}
	for name, history := range map[string][]porcupine.Operation{
		"seen before it was asked":  {op(0, 1, in, signed), open(2, sign(0)), open(3, sign(0))},
		"seen and undone":           {open(0, sign(0)), op(1, 2, in, signed), op(3, 4, in, created)},
		"both of what excludes":     {open(0, sign(0)), op(1, 2, in, signed), op(3, 4, sign(1), yes)},
		"cancelled and then signed": {op(0, 1, linearInput{"cancel", 0}, yes), open(2, sign(0)), op(3, 4, in, signed)},
	} {
		if porcupine.CheckOperations(linearModel(), judged(history)) {
			t.Errorf("%s passes", name)
		}
	}
}
