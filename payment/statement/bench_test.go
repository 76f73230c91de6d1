package statement

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"qaqpa/testenv/figures"
	"qaqpa/testenv/statements"
)

// counting only counts.
type counting struct{ entries int }

func (*counting) Statement(*Header) error { return nil }
func (c *counting) Entry(*Entry) error    { c.entries++; return nil }
func (*counting) End(*Trailer) error      { return nil }

// benchFile makes a file with about n entries in a format.
func benchFile(tb testing.TB, f Format, n int) []byte {
	tb.Helper()
	var b bytes.Buffer
	each := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	ref := func(i int) string { return fmt.Sprintf("PSHEP%09d", i) }
	switch f { //nolint:exhaustive // one of each syntax
	case Camt053:
		p, err := statements.New(statements.Config{Seed: 1, Payments: n})
		if err != nil {
			tb.Fatal(err)
		}
		if err := p.WriteCamt053(&b); err != nil {
			tb.Fatal(err)
		}
	case MT940:
		each(":20:R\n:25:KZ916011700111350335\n:28C:1/1\n:60F:C261119KZT0,00\n")
		for i := range n {
			each(":61:2611201120C5406,00NTRF%s//FT%010d\n:86:/KNP/911/KBK/108125/IIN/850505400602/УИП 268433119415\n", ref(i), i)
		}
		each(":62F:C261120KZT%d,00\n-\n", n*5406)
	case MT102:
		each("{1:F01}\n{2:I102SCLEAR}\n{4:\n:20:P\n:52B:HSBKKZKX\n:57B:KKMFKZ2A\n:70:\n/DATE/261120\n")
		for i := range n {
			each(":21:%s\n:32B:KZT5406,00\n:50:/D/KZ218565468487452685\n/NAME/ОБРАЗЦОВА АЙГУЛЬ\n/IDN/850505400602\n/IRS/1\n/SECO/9\n"+
				":59:KZ24070105KSN0000000\n/NAME/УГД\n/IDN/090440983694\n:70:/NUM/%d\n/VO/01\n/KNP/912\n/BCLASS/101201\n/ASSIGN/ПЕНЯ. УИП 268433119415\n", ref(i), i)
		}
		each(":32A:261120KZT%d,00\n-}\n", n*5406)
	case OneC:
		each("1CClientBankExchange\nКодировка=UTF-8\nРасчСчет=KZ1\n")
		for i := range n {
			each("СекцияДокумент=Выписка\nДатаОперации=20.11.2026\nСуммаПриход=5406.00\nНомерДокумента=%s\nПлательщикНаименование=ОБРАЗЦОВА АЙГУЛЬ\nПлательщикБИН_ИИН=850505400602\n"+
				"ПлательщикИИК=KZ218565468487452685\nНазначениеПлатежа=Пеня по ИПН. УИП 268433119415\nКодНазначенияПлатежа=912\nКодБК=101201\nСумма=5406.00\nВалюта=KZT\nКонецДокумента\n", ref(i))
		}
		each("КонецФайла\n")
	default:
		each("date,ref,amount,purpose,payer,kbk\n")
		for i := range n {
			each("2026-11-20,%s,5406.00,\"Пеня по ИПН. УИП 268433119415\",850505400602,101201\n", ref(i))
		}
	}
	return b.Bytes()
}

// scanBytes is the floor that a parser stands on: it finds every tag of XML, or every line, and looks at nothing else.
func scanBytes(f Format, src io.Reader) (tokens int, err error) {
	mark := byte('\n')
	if f == Camt053 {
		mark = '<'
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := src.Read(buf)
		for b := buf[:n]; len(b) > 0; tokens++ {
			i := bytes.IndexByte(b, mark)
			if i < 0 {
				break
			}
			b = b[i+1:]
			if mark == '<' {
				// The end of the tag too, and its name byte by byte, as any tokeniser has to.
				for len(b) > 0 && b[0] != '>' && b[0] != ' ' {
					b = b[1:]
				}
			}
		}
		if err == io.EOF {
			return tokens, nil
		}
		if err != nil {
			return tokens, err
		}
	}
}

// timed returns the least time of three runs, as time of the processor: readers work in one goroutine and wait for nothing, and other
// programs of the machine would count in any other clock.
func timed(tb testing.TB, work func() error) time.Duration {
	tb.Helper()
	best := time.Duration(1 << 62)
	for range 3 {
		runtime.GC()
		start := processorTime(tb)
		if err := work(); err != nil {
			tb.Fatal(err)
		}
		best = min(best, processorTime(tb)-start)
	}
	return best
}

func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestBenchStatements prints MB/s of each parser beside a plain scan of the same bytes, the growth of time over ten times the entries,
// and the heap that stays in use while a file is read. It appends lines to the file QAQPA_BENCH_JSONL.
func TestBenchStatements(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("QAQPA_BENCH is not set")
	}
	options := Options{Mapping: &Mapping{Account: "KZ1", Currency: "KZT", Columns: map[Column]string{
		ColumnDate: "date", ColumnEndToEnd: "ref", ColumnAmount: "amount", ColumnPurpose: "purpose", ColumnPayerID: "payer", ColumnKBK: "kbk",
	}}}
	for _, c := range []struct {
		format Format
		goal   float64 // of the parser's time over that of the scan
	}{{Camt053, 4}, {MT940, 40}, {MT102, 40}, {OneC, 40}, {CSV, 40}} {
		small, large := benchFile(t, c.format, 30_000), benchFile(t, c.format, 300_000)
		read := func(file []byte) func() error {
			return func() error { _, err := Read(bytes.NewReader(file), &counting{}, options); return err }
		}
		one, ten := timed(t, read(small)), timed(t, read(large))
		floor := timed(t, func() error { _, err := scanBytes(c.format, bytes.NewReader(large)); return err })
		mbs := func(d time.Duration) float64 { return float64(len(large)) / 1e6 / d.Seconds() }
		growth := float64(ten) / float64(one) * 10 * float64(len(small)) / float64(len(large))
		t.Logf("%-9s %5.0f MB, %4.0f MB/s, %3.2f µs an entry; plain scan %5.0f MB/s (%.1f times); 10 times the bytes take %.1f times",
			c.format, float64(len(large))/1e6, mbs(ten), float64(ten.Microseconds())/300_000, mbs(floor), float64(ten)/float64(floor), growth)
		path := "statements/" + string(c.format)
		benchLine(t, path, mbs(ten), "MB/s", "plain scan of the same bytes, MB/s", mbs(floor), c.goal, float64(ten)/float64(floor))
		benchLine(t, path+"/growth", ten.Seconds(), "s for 10 times the entries", "s for the entries", one.Seconds(), 11, growth)
	}
	var before, after runtime.MemStats
	file := benchFile(t, Camt053, 300_000)
	runtime.GC()
	runtime.ReadMemStats(&before)
	if _, err := Read(bytes.NewReader(file), &counting{}, Options{}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	t.Logf("camt.053: %.1f MB allocated in all for %d MB of file", float64(after.TotalAlloc-before.TotalAlloc)/1e6, len(file)/1_000_000)
}

func benchLine(tb testing.TB, path string, value float64, unit, against string, againstValue, goal, ratio float64) {
	tb.Helper()
	figures.Line{Path: path, Value: value, Unit: unit, Against: against, AgainstValue: againstValue, Ratio: ratio, Goal: goal, Pass: ratio <= goal}.Add(tb)
}

// TestMemoryIsFlat: ten times the entries allocate hardly more than the entries do.
func TestMemoryIsFlat(t *testing.T) {
	allocated := func(n int) uint64 {
		file := camt("08", "", strings.Repeat(entry("1", "<NtryDtls><TxDtls><Refs><EndToEndId>REFERENCE</EndToEndId></Refs></TxDtls></NtryDtls>"), n))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Read(strings.NewReader(file), &counting{}, Options{}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if small, large := allocated(1000), allocated(10_000); large > small+small/4 {
		t.Errorf("%d bytes for 1,000 entries, %d for 10,000", small, large)
	}
}
