package statement

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

// mt940 wraps fields into a statement whose currency is tenge.
func mt940(fields string) string {
	return ":20:R\n:25:KZ916011700111350335\n:28C:7/1\n:60F:C261119KZT10,00\n" + fields + "\n:62F:C261120KZT10,00\n-\n"
}

func TestMovements(t *testing.T) {
	for line, want := range map[string]string{
		"2611201120C5406,00NTRFREF//BANK":          `entry 5406.00 KZT CRDT BOOK rev=false 2026-11-20/2026-11-20 ref="REF" bank="BANK" bankcode="NTRF"`,
		"261120D1,5NTRFREF":                        `entry 1.50 KZT DBIT BOOK rev=false 2026-11-20/2026-11-20 ref="REF" bankcode="NTRF"`,
		"2612310102C1,NTRFNONREF":                  `entry 1.00 KZT CRDT BOOK rev=false 2027-01-02/2026-12-31 ref="NONREF" bankcode="NTRF"`,
		"2701021231C1,NTRFNONREF":                  `entry 1.00 KZT CRDT BOOK rev=false 2026-12-31/2027-01-02 ref="NONREF" bankcode="NTRF"`,
		"261120RCT2,00FMSCX":                       `entry 2.00 KZT DBIT BOOK rev=true 2026-11-20/2026-11-20 ref="X" bankcode="FMSC"`,
		"261120RD2,00S103X":                        `entry 2.00 KZT CRDT BOOK rev=true 2026-11-20/2026-11-20 ref="X" bankcode="S103"`,
		"261120    C2,00NTRF":                      `entry 2.00 KZT CRDT BOOK rev=false 2026-11-20/2026-11-20 bankcode="NTRF"`,
		"260230C2,00NTRFN":                         `entry 2.00 KZT CRDT BOOK rev=false 2026-02-28/2026-02-28 bankcode="NTRF"`,
		"261120C\n2,00NTRFX\nmore":                 `entry 2.00 KZT CRDT BOOK rev=false 2026-11-20/2026-11-20 ref="X" bankcode="NTRF" info="more"`,
		"261120D88,10N060P000029225      KPN":      `entry 88.10 KZT DBIT BOOK rev=false 2026-11-20/2026-11-20 ref="P000029225" bankcode="N060" info="KPN"`,
		"000120C2,00NTRFX":                         `entry 2.00 KZT CRDT BOOK rev=false 2000-01-20/2000-01-20 ref="X" bankcode="NTRF"`,
		"990120C2,00NTRFX":                         `entry 2.00 KZT CRDT BOOK rev=false 1999-01-20/1999-01-20 ref="X" bankcode="NTRF"`,
		"2611201120CR000000000001,62NTRF0//1/0001": `entry 1.62 KZT CRDT BOOK rev=false 2026-11-20/2026-11-20 ref="0" bank="1/0001" bankcode="NTRF"`,
	} {
		out, err := readAll([]byte(mt940(":61:"+line)), Options{})
		if err != nil || !strings.Contains(out, want+"\n") {
			t.Errorf("%s: %v\n%s\nwant\n%s", line, err, out, want)
		}
	}
}

func TestInformation(t *testing.T) {
	for field, want := range map[string]string{
		":86:free text\ntwo": ` rmt="free text two"`,
		":86:/KNP/911/KBK/108125/IIN/850505400602/УИП 268433119415":    ` uip="268433119415" dbtr(id="850505400602") knp="911" kbk="108125" rmt="УИП 268433119415"`,
		":86:/EREF/R1/NAME/N/REMI/a/b/c/IBAN/KZ1":                      ` end_to_end_id="R1" dbtr(name="N" acct="KZ1") rmt="a/b/c"`,
		":86:166?00GUT?20EREF+E1?21SVWZ+te?22xt?30BIC?31ACC?32NA?33ME": ` end_to_end_id="E1" dbtr(name="NAME" acct="ACC" bic="BIC") rmt="text"`,
		":86:000>100>20 HUUR>21 FEB":                                   ` rmt="HUUR FEB"`,
		":86:first\n:86:second":                                        ` rmt="first second"`,
		":NS:01Zweck\n15Name\n17Art":                                   ` dbtr(name="Name") rmt="Zweck"`,
		":86:at 12\n:12:11 o'clock":                                    ` rmt="at 12 :12:11 o'clock"`,
	} {
		out, err := readAll([]byte(mt940(":61:261120C0,NTRF\n"+field)), Options{})
		if err != nil || !strings.Contains(out, "  CRDT 0.00 KZT"+want+"\n") {
			t.Errorf("%s: %v\n%s\nwant\n%s", field, err, out, want)
		}
	}
}

func TestMTRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		document string
		want     error
		path     string
		line     int
	}{
		"a balance without a day":     {mt940(":64:C261320KZT1,00"), ErrValue, ":64:", 5},
		"a balance without a comma":   {mt940(":64:C261120KZT1.00"), ErrValue, ":64:", 5},
		"a movement of no side":       {mt940(":61:261120X1,00NTRF"), ErrValue, ":61:", 5},
		"a movement of no kind":       {mt940(":61:261120C1,00"), ErrValue, ":61:", 5},
		"a movement of three tenths":  {mt940(":61:261120C1,001NTRF"), ErrValue, ":61:", 5},
		"no closing balance":          {":20:R\n:25:A\n:60F:C261119KZT10,00\n-\n", ErrStructure, ":62F:", 4},
		"two openings":                {mt940(":60F:C261119KZT10,00"), ErrStructure, ":60F:", 5},
		"an opening behind movements": {":20:R\n:25:A\n:34F:KZT0,\n:61:261120C1,00NTRF\n:86:\n:60F:C261119KZT10,00\n:62F:C261119KZT10,00\n-", ErrStructure, ":60F:", 6},
		"a number that is none":       {strings.ReplaceAll(mt940(""), ":28C:7/1", ":28C:x"), ErrValue, ":28C:", 3},
		"control characters":          {mt940(":86:\x07"), ErrEncoding, "60F", 5},
		"text in front":               {strings.Repeat("hello\n", 20) + mt940(""), ErrSyntax, "", 17},
		"a field without end":         {mt940(":86:" + strings.Repeat("\n"+strings.Repeat("x", 1000), 20)), ErrLimit, ":86:", 22},
		"a line without end":          {mt940(":86:" + strings.Repeat("x", 20000)), ErrLimit, "60F", 5},
	} {
		out, err := readAll([]byte(c.document), Options{})
		fault := &Error{}
		if !errors.Is(err, c.want) || !errors.As(err, &fault) || fault.Path != c.path || fault.Line != c.line {
			t.Errorf("%s: got %v, want %v at %s, line %d\n%s", name, err, c.want, c.path, c.line, out)
		}
	}
}

func TestBlocksAndFrames(t *testing.T) {
	plain, err := readAll([]byte(mt940("")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string]string{
		"blocks":     "{1:F01}{2:O940BANK}{4:\r\n" + strings.ReplaceAll(mt940(""), "\n", "\r\n") + "}",
		"bytes":      "\x01\n" + strings.ReplaceAll(mt940(""), "\n-\n", "\n-\x03\n"),
		"heads":      "BANKNL2A\n940\nBANKNL2A\n" + mt940(""),
		"no end":     strings.TrimSuffix(mt940(""), "-\n"),
		"old mark":   strings.ReplaceAll(mt940(""), "\n-\n", "\n-XXX\n"),
		"upper mark": "\xef\xbb\xbf" + mt940(""),
	} {
		if got, err := readAll([]byte(document), Options{}); err != nil || got != plain {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, plain)
		}
	}
}

func TestCharsets(t *testing.T) {
	text := "Мемлекеттік баж ӘҒҚҢӨҰҮҺ әғқңөұүһ"
	for charset, want := range map[Charset]bool{KZ1048: true, Windows1251: false, CP866: false, "": true} {
		raw, ok := Encode(charset, text)
		if ok != want {
			t.Errorf("%q holds Kazakh letters: %v", charset, ok)
		}
		if !ok {
			continue
		}
		out, err := readAll([]byte(mt940(":61:261120C0,NTRF\n:86:"+string(raw))), Options{Charset: charset})
		if charset == "" {
			out, err = readAll([]byte(mt940(":61:261120C0,NTRF\n:86:"+string(raw))), Options{})
		}
		if err != nil || !strings.Contains(out, `rmt="`+text+`"`) {
			t.Errorf("%q: %v\n%s", charset, err, out)
		}
	}
	// Nobody has to say kz-1048, and Russian text is the same in both.
	for charset, said := range map[Charset]string{KZ1048: text, Windows1251: "Государственная пошлина № 7 «Ё»"} {
		raw, _ := Encode(charset, said)
		if out, err := readAll([]byte(mt940(":61:261120C0,NTRF\n:86:"+string(raw))), Options{}); err != nil || !strings.Contains(out, `rmt="`+said+`"`) {
			t.Errorf("%q without a word about it: %v\n%s", charset, err, out)
		}
	}
	if _, err := readAll([]byte(mt940("")), Options{Charset: "ebcdic"}); !errors.Is(err, ErrEncoding) {
		t.Errorf("an unknown charset: %v", err)
	}
}

func TestKISCVariants(t *testing.T) {
	head := "{1:F01}\n{2:I102SCLEAR}\n{4:\n:20:P\n:52B:HSBKKZKX\n:57B:KKMFKZ2A\n"
	order := ":21:A\n:32B:KZT5,00\n"
	taxes := head + ":50:/D/KZ1\n/NAME/BANK\n/IRS/1\n/SECO/4\n:59:KZ2\n/NAME/УГД\n:70:/VO/08\n/KNP/911\n/BCLASS/108125\n" +
		order + ":70:/NUM/1\n/NAME/ТЕСТОВ\n/IDN/770707300260\n/ASSIGN/" + strings.Repeat("Ш", 62) + "\nХВОСТ\nЕЩЁ\n:32A:261120KZT5,00\n-}\n"
	persons := head + ":50:/D/KZ1\n:59:KZ2\n" + order + ":70:/FM/ТЕСТОВ\n/NM/СЕРИК\n/FT/А\n/IDN/770707300260\n/LA/123\n:32A:261120KZT5,00\n-}\n"
	for name, c := range map[string]struct{ document, want string }{
		"collected taxes":  {taxes, `dbtr(name="BANK" acct="KZ1" bic="HSBKKZKX" code="14") cdtr(name="УГД" acct="KZ2" bic="KKMFKZ2A") udbtr(name="ТЕСТОВ" id="770707300260") knp="911" kbk="108125" rmt="` + strings.Repeat("Ш", 62) + `ХВОСТ ЕЩЁ"`},
		"lists of persons": {persons, `udbtr(name="ТЕСТОВ СЕРИК А" id="770707300260" acct="123")`},
	} {
		out, err := readAll([]byte(c.document), Options{})
		if err != nil || !strings.Contains(out, c.want) || strings.Contains(out, "failed") {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, out, c.want)
		}
	}
	for name, c := range map[string]struct {
		document string
		want     error
	}{
		"another total":     {strings.ReplaceAll(persons, ":32A:261120KZT5,00", ":32A:261120KZT6,00"), nil},
		"no total":          {strings.ReplaceAll(persons, ":32A:261120KZT5,00\n", ""), ErrStructure},
		"no orders":         {head + ":32A:261120KZT5,00\n-}\n", ErrStructure},
		"no beneficiary":    {strings.ReplaceAll(persons, ":59:KZ2\n", ""), ErrStructure},
		"no payer":          {strings.ReplaceAll(persons, ":50:/D/KZ1\n", ""), ErrStructure},
		"no amount":         {strings.ReplaceAll(persons, ":32B:KZT5,00\n", ""), ErrStructure},
		"an open message":   {strings.ReplaceAll(persons, "-}\n", ""), ErrStructure},
		"mixed messages":    {persons + "{2:I100SGROSS}\n", ErrStructure},
		"text outside":      {persons + "hello\n", ErrSyntax},
		"text in a message": {strings.ReplaceAll(persons, "{4:\n", "{4:\nhello\n"), ErrSyntax},
		"a wrong day":       {strings.ReplaceAll(persons, "32A:261120", "32A:261320"), ErrValue},
	} {
		out, err := readAll([]byte(c.document), Options{})
		if !errors.Is(err, c.want) || (c.want == nil && !strings.Contains(out, "failed totals")) {
			t.Errorf("%s: got %v\n%s", name, err, out)
		}
	}
}

func TestOneCRefuses(t *testing.T) {
	const head = "1CClientBankExchange\nКодировка=UTF-8\nДатаНачала=20.11.2026\nРасчСчет=KZ1\n"
	document := "СекцияДокумент=Выписка\nСуммаПриход=5.00\nСвоёПоле=что угодно\nКонецДокумента\n"
	out, err := readAll([]byte(head+document+"КонецФайла\n"), Options{})
	if err != nil || !strings.Contains(out, "entry 5.00 KZT CRDT") {
		t.Errorf("%v\n%s", err, out)
	}
	for name, c := range map[string]struct {
		document string
		want     error
	}{
		"no account":         {"1CClientBankExchange\nКонецФайла\n", ErrStructure},
		"two accounts":       {head + "РасчСчет=KZ2\n", ErrStructure},
		"no side":            {head + "СекцияДокумент=Выписка\nСумма=5.00\nКонецДокумента\n", ErrStructure},
		"both sides":         {head + "СекцияДокумент=Выписка\nСуммаПриход=5.00\nСуммаРасход=5.00\nКонецДокумента\n", ErrStructure},
		"an open document":   {head + "СекцияДокумент=Выписка\nСуммаПриход=5.00\n", ErrStructure},
		"a nested document":  {head + "СекцияДокумент=Выписка\n" + document, ErrStructure},
		"text behind":        {head + "КонецФайла\n" + document, ErrStructure},
		"a line of nothing":  {head + "hello\n", ErrStructure},
		"a day of no month":  {head + "ДатаКонца=31.02.2026\n", ErrValue},
		"a comma":            {head + strings.ReplaceAll(document, "5.00", "5,00"), ErrValue},
		"cp1251 without say": {head + "Отправитель=\xcf\xf0\n", ErrEncoding},
		"many keys":          {head + strings.ReplaceAll(document, "СвоёПоле=", strings.Repeat("x=1\n", 65)), ErrLimit},
	} {
		if _, err := readAll([]byte(c.document), Options{}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Values that may repeat without end are bounded: what is refused here would else be joined again and again.
func TestRepeatedFieldsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for name, document := range map[string]string{
		"1C purposes":   "1CClientBankExchange\nРасчСчет=KZ1\nСекцияДокумент=Выписка\n" + strings.Repeat("НазначениеПлатежа="+long+"\n", 400),
		"NS fields":     mt940(":61:261120C0,NTRF\n" + strings.Repeat(":NS:01"+long+"\n", 400)),
		"common fields": "{1:F01}\n{2:I102SCLEAR}\n{4:\n:20:P\n" + strings.Repeat(":70:/ASSIGN/"+long+"\n", 400),
	} {
		if _, err := readAll([]byte(document), Options{}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTables(t *testing.T) {
	m := &Mapping{
		Separator: ";", Decimal: ",", Grouping: "'", DateLayout: "02.01.2006", Skip: 1, Account: "KZ1",
		Columns: map[Column]string{ColumnDate: "Дата", ColumnCredit: "Приход", ColumnDebit: "Расход", ColumnPurpose: "Назначение", ColumnEndToEnd: "Номер"},
	}
	document := "Выписка за день\nДата;Номер;Приход;Расход;Назначение;Прочее\n20.11.2026;A1;1'234,50;;\"строка \"\"раз\"\"\nстрока два\";x\n20.11.2026 10:00;A2;;7;y;\n"
	want := "entry 1234.50 KZT CRDT BOOK rev=false 2026-11-20/\n  CRDT 1234.50 KZT end_to_end_id=\"A1\" rmt=\"строка \\\"раз\\\"\\nстрока два\"\nentry 7.00 KZT DBIT"
	for _, r := range []string{"whole", "bytes"} {
		var d dump
		src := strings.NewReader(document)
		var err error
		if r == "bytes" {
			_, err = Read(iotest.OneByteReader(src), &d, Options{Mapping: m})
		} else {
			_, err = Read(src, &d, Options{Mapping: m})
		}
		if err != nil || !strings.Contains(d.String(), want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", r, err, &d, want)
		}
	}
	for name, c := range map[string]struct {
		document string
		want     error
	}{
		"a missing column":  {strings.ReplaceAll(document, "Приход;", "Доход;"), ErrStructure},
		"a column twice":    {strings.ReplaceAll(document, "Прочее", "Номер"), ErrStructure},
		"too few fields":    {document + "20.11.2026;A3\n", ErrStructure},
		"both sides":        {document + "20.11.2026;A3;1;2;;\n", ErrValue},
		"no side":           {document + "20.11.2026;A3;;;;\n", ErrStructure},
		"an open quote":     {document + "20.11.2026;\"A3", ErrSyntax},
		"a quote inside":    {document + "20.11.2026;A\"3\n", ErrSyntax},
		"text behind":       {document + "20.11.2026;\"A\"3\n", ErrSyntax},
		"a wrong day":       {document + "31.02.2026;A3;1;;;\n", ErrValue},
		"nothing":           {"", ErrStructure},
		"a record too long": {document + "20.11.2026;\"" + strings.Repeat(strings.Repeat("x", 1000)+"\n", 100), ErrLimit},
	} {
		if out, err := readAll([]byte(c.document), Options{Mapping: m}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v\n%s", name, err, out)
		}
	}
}
