package payment

import (
	"sync"
	"testing"

	"qaqpa/payment/order"
)

// BenchmarkConfirm measures the transaction that takes a bank's word: attempt, order, debt, transfer, journal, outbox,
// audit, from 16 callers at once, all payers in one bucket or spread over many. The database of the tests does not
// wait for the disk.
func BenchmarkConfirm(b *testing.B) {
	const payments, callers = 400, 16
	for name, payers := range map[string][]string{
		"one bucket": {citizenIIN}, "spread": {citizenIIN, neighborIIN, companyBIN, agencyBIN, bankBIN, operatorBIN, otherBIN, "900101300037", "900101300047"},
	} {
		b.Run(name, func(b *testing.B) {
			g := setup(b)
			for b.Loop() {
				b.StopTimer()
				messages := make([][]byte, payments)
				for i := range messages {
					messages[i] = g.sentAndLost(payers[i%len(payers)])
				}
				work := make(chan []byte)
				var wait sync.WaitGroup
				b.StartTimer()
				for range callers {
					wait.Go(func() {
						for m := range work {
							if _, err := g.Confirm(b.Context(), testBIC, m); err != nil {
								b.Error(err)
							}
						}
					})
				}
				for _, m := range messages {
					work <- m
				}
				close(work)
				wait.Wait()
			}
			b.ReportMetric(float64(payments*b.N)/b.Elapsed().Seconds(), "payments/s")
		})
	}
}

// sentAndLost makes a payment whose reply was lost, and returns what the bank has to say about it.
func (b *bundle) sentAndLost(payer string) []byte {
	b.t.Helper()
	o := b.ordered(payer, b.fee(payer))
	signer := citizen(payer)
	out, err := b.authoriseAs(o, signer)
	b.must(err)
	b.bank.pays = []string{"timeoutButDone"}
	b.attempts()
	return b.bank.says(out.Attempt, nil)
}

func (b *bundle) authoriseAs(o order.Order, signer Signer) (order.Order, error) {
	out, _, err := b.Authorise(b.t.Context(), b.idem("s"), o.ID, b.signed(o, signer))
	return out, err
}
