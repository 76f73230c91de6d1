package revoked_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"qaqpa/signer/pkix"
	"qaqpa/signer/revoked"
	"qaqpa/testenv/pki"
)

// crashDir in the environment makes the test binary a process that takes list after list until it is killed.
const crashDir = "QAQPA_REVOKED_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := takeLists(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// shelfSource gives list n of a folder, and the next one when asked again.
type shelfSource struct {
	dir string
	n   int
}

func (s *shelfSource) Open(context.Context, revoked.Request) (*revoked.Response, error) {
	f, err := os.Open(filepath.Join(s.dir, strconv.Itoa(s.n)+".crl"))
	if err != nil {
		return nil, err
	}
	return &revoked.Response{Body: f, Tags: revoked.Tags{ETag: strconv.Itoa(s.n)}}, nil
}

func crashConfig(dir string, source revoked.Source) (revoked.Config, error) {
	der, err := os.ReadFile(filepath.Join(dir, "ca.der"))
	if err != nil {
		return revoked.Config{}, err
	}
	ca, err := pkix.ParseCertificate(der)
	authorities := []*pkix.Certificate{ca}
	return revoked.Config{
		Dir: filepath.Join(dir, "store"), Source: source, Authorities: authorities, Now: func() time.Time { return start }, KeepFor: -1,
		Points: []revoked.Point{{Name: "crash", URLs: []string{"http://crash.test/l.crl"}, Issuers: authorities}},
	}, err
}

// takeLists opens the store, says which list it has, and takes the following ones, saying so for each once it is taken.
func takeLists(dir string) error {
	source := &shelfSource{dir: dir}
	cfg, err := crashConfig(dir, source)
	if err != nil {
		return err
	}
	s, err := revoked.Open(context.Background(), cfg)
	if err != nil {
		return err
	}
	if l := s.Status()[0].List; l != nil {
		source.n = numberOf(l) + 1
	}
	for {
		if err := s.Refresh(context.Background()); err != nil {
			return err
		}
		if _, err := fmt.Println(numberOf(s.Status()[0].List)); err != nil {
			return err
		}
		source.n++
	}
}

func numberOf(l *revoked.List) int {
	n := 0
	for _, o := range l.CRL().Number {
		n = n<<8 | int(o)
	}
	return n
}

// TestKilledAtAnyInstant: a process that takes lists is killed again and again. After each death the store opens with a list that it
// had taken, never an older one than it had told of, and nothing half-written is left.
func TestKilledAtAnyInstant(t *testing.T) {
	a := newAuthority(t, pki.ForTest(t, pki.ECDSA), pki.ECDSA, "crash")
	dir := t.TempDir()
	const lists, rounds = 400, 12
	for i := range lists {
		list := sheet{by: a, number: int64(i), this: start.Add(time.Duration(i-lists) * time.Second), entries: entriesOf(i, 300)}.der(t)
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)+".crl"), list, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.der"), a.Certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 0))
	told := -1
	for round := range rounds {
		told = max(told, killed(t, dir, time.Duration(dice.IntN(60))*time.Millisecond))
		cfg, err := crashConfig(dir, &shelfSource{dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		s, err := revoked.Open(t.Context(), cfg)
		if err != nil {
			t.Fatalf("round %d of seed %d: %v", round, seed, err)
		}
		has := -1
		if l := s.Status()[0].List; l != nil {
			has = numberOf(l)
			if f, ok := s.Lookup(a.cert.Subject, serialOf(has+299)); !ok || !f.Listed {
				t.Errorf("list %d is not whole", has)
			}
		}
		if has < told || has > told+1 {
			t.Errorf("round %d of seed %d: list %d is there, %d had been told of", round, seed, has, told)
		}
		parts, err := filepath.Glob(filepath.Join(dir, "store", "*", "*.part"))
		if err != nil || len(parts) > 0 {
			t.Errorf("round %d of seed %d: left %v, %v", round, seed, parts, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if told < rounds {
		t.Logf("only %d lists were taken in %d lives", told, rounds)
	}
}

// killed starts the process, lets it live a while after its first word, kills it and returns the last list that it told of.
func killed(t *testing.T, dir string, life time.Duration) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	time.Sleep(life)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Wait() //nolint:errcheck // it was killed
	last := -1
	for line := range bytes.FieldsSeq(append([]byte(first), rest...)) {
		n, err := strconv.Atoi(string(line))
		if err != nil {
			break // cut off by the kill
		}
		last = n
	}
	return last
}
