package payment

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The statements of the money path keep to the portable subset like the schema: nothing that CockroachDB or YugabyteDB lack, no ids or
// times of the database's own making. What stands in backquotes or after a verb of SQL counts as a statement.
func TestStatementsArePortable(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	quoted := regexp.MustCompile("(?s)`[^`]*`|\"(?:SELECT|INSERT|UPDATE|DELETE|WITH|SET) [^\"\n]*\"")
	verb := regexp.MustCompile(`\b(?i:select|insert|update|delete|set)\b`)
	banned := regexp.MustCompile(`(?i)\bpg_(try_)?advisory|\blisten\s+\w|\bnotify\s+\w|\bdeferr(ed|able)\b|\bserializable\b|\block table\b|\bgen_random_uuid\b|\bnextval\b|\bprepare transaction\b|\bctid\b|\bxmin\b`)
	statements := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range quoted.FindAllString(string(raw), -1) {
			if !verb.MatchString(text) {
				continue
			}
			statements++
			if found := banned.FindString(text); found != "" {
				t.Errorf("%s uses %q in %.120s", file, found, text)
			}
		}
	}
	if statements < 200 {
		t.Errorf("only %d statements were found", statements)
	}
	for _, bad := range []string{"SELECT pg_advisory_xact_lock(1)", "LISTEN x", "LOCK TABLE debts", "INSERT INTO a VALUES (gen_random_uuid())"} {
		if banned.FindString(bad) == "" {
			t.Errorf("%s counts as portable", bad)
		}
	}
}
