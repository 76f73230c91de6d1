package revoked_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"os"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/revoked"
	"qaqpa/testenv/figures"
	"qaqpa/testenv/pki"
)

// benchEntries is somewhat more than the national list of 21 MB has.
const benchEntries = 500_000

// TestBenchCRL measures a list of half a million entries, signed with GOST R 34.10-2012 (512 bits) and Streebog-512: its memory, the time
// from the first octet to its use, and lookups while lists are swapped. It runs when QAQPA_BENCH is set and
// appends its lines to the file QAQPA_BENCH_JSONL.
func TestBenchCRL(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: set QAQPA_BENCH=1 to run it")
	}
	a := newAuthority(t, pki.ForTest(t, pki.GOST2015), pki.GOST2015, "bench")
	entries := entriesOf(0, benchEntries)
	lists := make([][]byte, 4)
	for i := range lists {
		lists[i] = sheet{by: a, number: int64(i + 1), this: start.Add(time.Duration(i-10) * time.Minute), entries: entries}.der(t)
	}
	b := &bench{T: t, a: a, lists: lists}
	b.h = openHouse(t, nil, a.point())
	b.memory()
	b.swap()
	b.lookups()
	b.report()
}

type bench struct {
	*testing.T
	a     authority
	lists [][]byte
	h     *house
	next  int // of lists
	lines []figures.Line
}

// put has the store take the next list and returns how long that took.
func (b *bench) put() time.Duration {
	b.h.site.put(b.a.url(), b.lists[b.next])
	b.next++
	begin := time.Now()
	b.h.refresh(b.T)
	return time.Since(begin)
}

// line adds a row; less tells that a low ratio is good.
func (b *bench) line(path string, value float64, unit, against string, other, goal float64, less bool) {
	l := figures.Line{Path: "signer/revoked: " + path, Value: value, Unit: unit, Against: against, AgainstValue: other, Ratio: value / other, Goal: goal}
	l.Pass = l.Ratio >= goal
	if less {
		l.Pass = l.Ratio <= goal
	}
	b.lines = append(b.lines, l)
}

func heapNow() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// memory weighs the heap with and without a list, and does the same with the standard library's form of it.
func (b *bench) memory() {
	before := heapNow()
	b.put()
	ours := heapNow() - before
	l := b.h.Status()[0].List
	octets, indexes := l.Memory()
	b.Logf("%d entries, %d octets: the heap grew by %.0f, of which the list says %d + %d", l.Len(), octets, ours, octets, indexes)
	before = heapNow()
	peer, err := x509.ParseRevocationList(b.lists[0])
	if err != nil {
		b.Fatal(err)
	}
	theirs := heapNow() - before + float64(len(b.lists[0])) // it keeps the octets too
	runtime.KeepAlive(peer)
	const n = benchEntries
	b.line("memory for an entry, beside the octets", (ours-float64(octets))/n, "B", "16 B", 16, 1, true)
	b.line("memory for an entry, octets included", ours/n, "B", "crypto/x509.RevocationList", theirs/n, 0.5, true)
}

// peakHeap runs f and returns by how much the live heap grew at most meanwhile, garbage included.
func peakHeap(f func()) float64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() float64 { metrics.Read(sample); return float64(sample[0].Value.Uint64()) }
	before := heapNow()
	ctx, stop := context.WithCancel(context.Background())
	peak := before
	var watch sync.WaitGroup
	watch.Go(func() {
		for ctx.Err() == nil {
			peak = max(peak, read())
			time.Sleep(2 * time.Millisecond)
		}
	})
	f()
	stop()
	watch.Wait()
	return peak - before
}

// swap times what happens from the first octet of a list to its use.
func (b *bench) swap() {
	var took time.Duration
	peak := peakHeap(func() { took = b.put() })
	list := b.lists[1]
	hashing := timeOf(func() {
		_ = sha256.Sum256(list)
		_ = algo.Streebog512.Sum(nil, list)
	})
	peer := timeOf(func() {
		if _, err := x509.ParseRevocationList(list); err != nil {
			b.Fatal(err)
		}
	})
	b.line("from the first octet to use, 500,000 entries", took.Seconds(), "s", "SHA-256 and Streebog-512 over the octets", hashing.Seconds(), 5, true)
	b.line("the same", took.Seconds(), "s", "crypto/x509.ParseRevocationList, which verifies and indexes nothing", peer.Seconds(), 1, true)
	b.line("heap at most while a list is swapped, for an octet of it", peak/float64(len(list)), "B", "the new list itself", 1, 3, true)
}

func timeOf(f func()) time.Duration {
	begin := time.Now()
	f()
	return time.Since(begin)
}

// lookups counts them with and without a swap under way.
func (b *bench) lookups() {
	const serials = 1 << 16
	present, absent := make([][]byte, serials), make([][]byte, serials)
	for i := range present {
		present[i], absent[i] = serialOf(i*7%benchEntries), serialOf(-1-i)
	}
	issuer := b.a.cert.Subject
	rate := func(from [][]byte, listed bool, until func() bool) float64 {
		n := 0
		begin := time.Now()
		for !until() {
			for range 1024 {
				if f, ok := b.h.Lookup(issuer, from[n%serials]); !ok || f.Listed != listed {
					b.Fatal("wrong")
				}
				n++
			}
		}
		return float64(n) / time.Since(begin).Seconds()
	}
	half := func() func() bool {
		end := time.Now().Add(500 * time.Millisecond)
		return func() bool { return time.Now().After(end) }
	}
	table := map[[20]byte]revoked.Entry{}
	for i := range benchEntries {
		table[[20]byte(serialOf(i))] = revoked.Entry{}
	}
	runtime.GC()
	peer := func() float64 {
		n := 0
		until := half()
		begin := time.Now()
		for !until() {
			for range 1024 {
				if _, ok := table[[20]byte(present[n%serials])]; !ok {
					b.Fatal("wrong")
				}
				n++
			}
		}
		return float64(n) / time.Since(begin).Seconds()
	}()
	listed, missing := rate(present, true, half()), rate(absent, false, half())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b.next < len(b.lists) {
			b.put()
		}
	}()
	busy := rate(absent, false, func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	b.line("lookups of listed certificates, one core", listed, "1/s", "a Go map of the same", peer, 0.3, false)
	b.line("lookups of others, one core", missing, "1/s", "a Go map of the same", peer, 1, false)
	b.line("lookups of others while lists are swapped", busy, "1/s", "without a swap; a swap takes the other core", missing, 0.25, false)
}

func (b *bench) report() {
	b.Logf("%-58s %12s %5s %12s %7s %5s", "", "ours", "", "against", "ratio", "goal")
	for _, l := range b.lines {
		b.Logf("%-58s %12.4g %-5s %12.4g %6.2fx %5.2g  %s", l.Path[len("signer/revoked: "):], l.Value, l.Unit, l.AgainstValue, l.Ratio, l.Goal, l.Against)
		if !l.Pass {
			b.Errorf("%s: %.2f times %s, goal %.2g", l.Path, l.Ratio, l.Against, l.Goal)
		}
	}
	for _, l := range b.lines {
		l.Add(b)
	}
}
