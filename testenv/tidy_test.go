package testenv

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = ".."

// goPackage is what `go list -json` tells of a package.
type goPackage struct {
	ImportPath, Dir, Doc string
	Imports, GoFiles     []string
	Standard             bool
}

func listPackages(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Dir,Doc,Imports,GoFiles,Standard"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var found []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		found = append(found, p)
	}
	return found
}

// below tells whether the import path is pkg or lies beneath it.
func below(path, pkg string) bool { return path == pkg || strings.HasPrefix(path, pkg+"/") }

func belowAny(path string, pkgs ...string) bool {
	return slices.ContainsFunc(pkgs, func(p string) bool { return below(path, p) })
}

// fence forbids the packages that In names to import what Deny names; Except are let through.
type fence struct {
	why        string
	in, except []string
	deny       []string
}

var (
	pureLeaves = []string{
		"qaqpa/signer/gost", "qaqpa/signer/algo", "qaqpa/signer/asn1ber", "qaqpa/signer/pkix", "qaqpa/signer/cms", "qaqpa/signer/tsp",
		"qaqpa/signer/path", "qaqpa/signer/kz", "qaqpa/signer/trust", "qaqpa/signer/report", "qaqpa/signer/engine",
		"qaqpa/signer/xmltree", "qaqpa/signer/c14n", "qaqpa/signer/xpath", "qaqpa/signer/xmldsig", "qaqpa/signer/xades", "qaqpa/signer/pdf", "qaqpa/signer/pades", "qaqpa/signer/typeface",
		"qaqpa/payment/money", "qaqpa/payment/canon", "qaqpa/payment/catalog", "qaqpa/payment/debt", "qaqpa/payment/order", "qaqpa/payment/flow",
		"qaqpa/payment/ledger", "qaqpa/payment/receipt", "qaqpa/payment/refund", "qaqpa/payment/recon", "qaqpa/payment/statement", "qaqpa/payment/register", "qaqpa/payment/daily", "qaqpa/payment/inquiry", "qaqpa/payment/mandate", "qaqpa/payment/commission", "qaqpa/payment/bank/pain",
	}
	fences = []fence{
		{why: "pure leaves take bytes and a time and do no I/O", in: pureLeaves, deny: []string{"database/sql", "github.com/jmoiron/sqlx", "github.com/lib/pq", "net", "net/http", "os", "log", "crypto/rand", "math/rand", "context"}},
		{why: "cmd wires the two domains", in: []string{"qaqpa/signer"}, deny: []string{"qaqpa/payment", "qaqpa/api", "qaqpa/cmd"}},
		{why: "cmd wires the two domains", in: []string{"qaqpa/payment"}, deny: []string{"qaqpa/signer", "qaqpa/hsm", "qaqpa/api", "qaqpa/cmd"}},
		{why: "imports point down", in: []string{"qaqpa/hsm"}, deny: []string{"qaqpa/signer", "qaqpa/payment", "qaqpa/api", "qaqpa/cmd"}},
		{why: "imports point down", in: []string{"qaqpa/api"}, deny: []string{"qaqpa/hsm", "qaqpa/cmd"}},
		{why: "arithmetic on public values does no I/O", in: []string{"qaqpa/hsm/rsapub"}, deny: []string{"database/sql", "net", "net/http", "os", "log", "crypto/rand", "context"}},
		{why: "only api speaks fasthttp", in: []string{"qaqpa"}, except: []string{"qaqpa/api"}, deny: []string{"github.com/valyala/fasthttp", "github.com/fasthttp/router"}},
		{why: "only hsm touches PKCS#11", in: []string{"qaqpa"}, except: []string{"qaqpa/hsm", "qaqpa/testenv/softhsm"}, deny: []string{"github.com/miekg/pkcs11", "github.com/ThalesIgnite/crypto11"}},
		{why: "stand-ins stay out of the product", in: []string{"qaqpa"}, except: []string{"qaqpa/testenv", "qaqpa/cmd/qaqpa"}, deny: []string{"qaqpa/testenv"}},
		{why: "a stand-in that shares our code shares our bugs", in: []string{"qaqpa/testenv/pki", "qaqpa/testenv/bank", "qaqpa/testenv/agency", "qaqpa/testenv/gostref", "qaqpa/testenv/ncalayer", "qaqpa/testenv/statements"}, deny: []string{"qaqpa/signer", "qaqpa/payment", "qaqpa/api", "qaqpa/hsm"}},
	}
)

func (f fence) broken(p goPackage) []string {
	if !belowAny(p.ImportPath, f.in...) || belowAny(p.ImportPath, f.except...) {
		return nil
	}
	var found []string
	for _, imported := range p.Imports {
		// "net" stands for itself alone: net/netip and net/url do no I/O.
		if slices.Contains(f.deny, imported) || (!slices.Contains(f.deny, "net") && belowAny(imported, f.deny...)) {
			found = append(found, imported)
		}
	}
	return found
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range listPackages(t, "./...") {
		for _, f := range fences {
			for _, imported := range f.broken(p) {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, f.why)
			}
		}
	}
}

func TestFencesFire(t *testing.T) {
	probes := []goPackage{
		{ImportPath: "qaqpa/signer/path", Imports: []string{"net/http"}},
		{ImportPath: "qaqpa/signer", Imports: []string{"qaqpa/payment/money"}},
		{ImportPath: "qaqpa/payment/bank", Imports: []string{"qaqpa/signer/cms"}},
		{ImportPath: "qaqpa/hsm", Imports: []string{"qaqpa/signer/algo"}},
		{ImportPath: "qaqpa/api", Imports: []string{"qaqpa/hsm"}},
		{ImportPath: "qaqpa/payment", Imports: []string{"github.com/valyala/fasthttp"}},
		{ImportPath: "qaqpa/signer", Imports: []string{"github.com/miekg/pkcs11"}},
		{ImportPath: "qaqpa/payment", Imports: []string{"qaqpa/testenv/postgres"}},
		{ImportPath: "qaqpa/testenv/bank", Imports: []string{"qaqpa/signer/cms"}},
	}
	for _, p := range probes {
		if !slices.ContainsFunc(fences, func(f fence) bool { return len(f.broken(p)) > 0 }) {
			t.Errorf("no fence stops %s from importing %v", p.ImportPath, p.Imports)
		}
	}
}

func TestReleaseHasNoStandIns(t *testing.T) {
	for _, p := range listPackages(t, "-deps", "-tags", "release", "./cmd/qaqpa") {
		if below(p.ImportPath, "qaqpa/testenv") || below(p.ImportPath, "testing") {
			t.Errorf("a release contains %s", p.ImportPath)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range listPackages(t, "./...") {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// TestTopLevel holds the layout that was fixed for the project.
func TestTopLevel(t *testing.T) {
	wanted := []string{"api", "cmd", "hsm", "payment", "signer", "testenv"}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			folders = append(folders, e.Name())
		}
	}
	if !slices.Equal(folders, wanted) {
		t.Errorf("top-level folders are %v, want %v", folders, wanted)
	}
	for _, name := range []string{"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "Makefile", "go.mod", "go.sum"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("%s is missing", name)
		}
	}
}

// TestReadmeShowsTheStates: the pictures in README are those that the transition tables draw; payment/order and payment/refund test the files.
func TestReadmeShowsTheStates(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"order/testdata/order.mmd", "order/testdata/attempt.mmd", "refund/testdata/refund.mmd"} {
		picture, err := os.ReadFile(filepath.Join(root, "payment", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), strings.TrimSpace(string(picture))) {
			t.Errorf("README does not show %s as it is", name)
		}
	}
}

const linesMax = 600

// leftover finds words of unfinished work; the words are split so that this file does not find itself.
var leftover = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b|\bXX` + `X:|(?i)not ` + `implemented|unimple` + `mented|in a real ` + `system|simplified ` + `version`)

func TestFilesAreOfOneIdeaAndFinished(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		checkFile(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	s := bufio.NewScanner(f)
	s.Buffer(nil, 4<<20)
	for s.Scan() {
		lines++
		if word := leftover.FindString(s.Text()); word != "" {
			t.Errorf("%s:%d: %q", path, lines, word)
		}
	}
	if err := s.Err(); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	if lines > linesMax {
		t.Errorf("%s has %d lines; split it before %d", path, lines, linesMax)
	}
}
