//go:build !release

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/ledger"
	"qaqpa/payment/receipt"
	"qaqpa/signer"
	"qaqpa/testenv/postgres"
)

// TestRefundCommands: the commands reach the database and know who acts by his own key. What refunds do is tested in payment.
func TestRefundCommands(t *testing.T) {
	database := "--database=" + postgres.DSNForTest(t, payment.Migrate, signer.Migrate, auth.Migrate)
	dir := t.TempDir()
	do := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append(args, database), streams{strings.NewReader(""), &out, &out})
		return code, out.String()
	}
	as := map[string]string{}
	for name, kind := range map[string]string{"aru": "operator", "site": "portal"} {
		_, key := do("clients", "add-key", "--kind="+kind, "--subject="+name)
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		as[name] = "--operator-key-file=" + file
	}
	ask := []string{"refunds", "ask", "--order=ord_x", "--debt=dbt_x", "--reason=other", "--comment=x"}
	mrp := []string{"clients", "add-mrp", "--year=2027", "--tenge=4650", "--source=law on the budget"}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"refunds", "list"}, 0, "ASKED BY"},
		{[]string{"refunds", "list", "--state=lost"}, 1, "no such state"},
		{[]string{"refunds", "show", "rfd_x"}, 1, "refund_unknown"},
		{append(ask, as["aru"]), 1, "order_unknown"},
		{append(ask, as["site"]), 1, "not of an operator"},
		{append(ask, as["aru"], "--tenge=1.005"), 1, "--tenge"},
		{append(ask, as["aru"], "--kind=wrong-kbk"), 1, "wrong budget code"},
		{append(ask, as["aru"], "--kind=gift"), 2, "--kind"},
		{[]string{"refunds", "approve", "rfb_x", as["aru"]}, 1, "refund_unknown"},
		{[]string{"refunds", "reject", "rfd_x", "--comment=no", as["aru"]}, 1, "version"},
		{[]string{"refunds", "withdraw", "rfb_x", as["aru"]}, 1, "refund_unknown"},
		{[]string{"reconcile", "withdraw", "stm_x", "--comment=x", as["aru"]}, 1, "statement_unknown"},
		{[]string{"reconcile", "withdraw", "stm_x", "--approve", as["site"]}, 1, "not of an operator"},
		{append(mrp, as["site"]), 1, "not of an operator"},
		{append(mrp, as["aru"]), 0, "2027-01-01 to 2027-12-31: 4650.00 tenge"},
		{append(mrp, as["aru"]), 1, "mrp_known"},
		{[]string{"ledger", "balances"}, 0, "BALANCE"},
		{[]string{"ledger", "balances", "operator:write-offs", "--at=2026-01-01T00:00:00Z"}, 0, "operator:write-offs"},
		{[]string{"ledger", "balances", "nobody"}, 1, "account_unknown"},
		{[]string{"ledger", "balances", "--at=yesterday"}, 1, "--at"},
	} {
		if code, out := do(c.args...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%q: exit code %d\n%s", c.args, code, out)
		}
	}
}

// TestCheckProof: a proof of consistency is judged with the public key alone.
func TestCheckProof(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pub := "--checkpoint-public-key=" + write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	const bin = "990140000047"
	proof := consistent(t, key, payment.JournalOrigin(receipt.Issuer{BIN: bin}))
	judge := func(p ledger.Consistency, issuer string) (int, string) {
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		code := run(t.Context(), []string{"ledger", "check-proof", write("proof.json", raw), pub, "--issuer-bin=" + issuer}, streams{strings.NewReader(""), &out, &out})
		return code, out.String()
	}
	if code, out := judge(proof, bin); code != 0 || !strings.Contains(out, "the 2 leaves of checkpoint 1 are the first of the 5 of checkpoint 2") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, out := judge(proof, "990140000017"); code != exitFailed || !strings.Contains(out, "does not hold") {
		t.Errorf("another journal: exit code %d: %s", code, out)
	}
	proof.Buckets[0].OldSize = 1
	if code, out := judge(proof, bin); code != exitFailed || !strings.Contains(out, "does not hold") {
		t.Errorf("spoilt: exit code %d: %s", code, out)
	}
}

// consistent makes two checkpoints over a journal of 2 and then 5 leaves in one bucket, and the proof between them.
func consistent(t *testing.T, key *ecdsa.PrivateKey, origin string) ledger.Consistency {
	t.Helper()
	signer, err := ledger.NewSigner(origin, key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	nodes, heads, notes := ledger.Nodes{}, map[int64]ledger.Head{}, map[int64]string{}
	for i := range int64(5) {
		if _, err := ledger.Grow(nodes, i, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		size := i + 1
		root, err := tlog.TreeHash(size, nodes)
		if err != nil {
			t.Fatal(err)
		}
		state := ledger.NewHeads()
		heads[size] = ledger.Head{Size: size, Root: root}
		state[9] = heads[size]
		top, err := state.Root()
		if err != nil {
			t.Fatal(err)
		}
		number := map[int64]int64{2: 1, 5: 2}[size]
		if number == 0 {
			continue
		}
		if notes[number], err = (ledger.Checkpoint{Origin: origin, Number: number, Total: size, Root: top, At: time.Unix(number, 0)}).Sign(signer); err != nil {
			t.Fatal(err)
		}
	}
	bucket, err := ledger.ConsistencyOf(9, heads[2], heads[5], nodes)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Consistency{Old: notes[1], New: notes[2], Buckets: []ledger.BucketConsistency{bucket}}
}
