package hsm_test

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"qaqpa/hsm"
)

const (
	opencryptokiModule = "/usr/lib/x86_64-linux-gnu/pkcs11/libopencryptoki.so"
	// opencryptokiInside is set in a process that has mounts of its own.
	opencryptokiInside = "QAQPA_OPENCRYPTOKI_INSIDE"
)

// opencryptokiBody is the body of TestModules over the software token of opencryptoki. Its daemon is one for a system, with fixed paths, so
// it gets a system of its own: this binary runs itself again in namespaces where those paths, shared memory and semaphores are private.
// Nothing of the machine's own opencryptoki is seen or touched.
func opencryptokiBody(t *testing.T) {
	t.Helper()
	if os.Getenv(opencryptokiInside) != "" {
		opencryptokiInPrivate(t)
		return
	}
	for _, file := range []string{opencryptokiModule, "/usr/sbin/pkcsslotd", "/usr/sbin/pkcsconf", "/usr/bin/unshare"} {
		if _, err := os.Stat(file); err != nil {
			t.Skip("needs opencryptoki: there is no " + file)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("its daemon wants fixed paths; only root can give it private ones")
	}
	private := []string{"--mount", "--ipc", "--fork", "--kill-child"}
	if out, err := exec.CommandContext(t.Context(), "/usr/bin/unshare", append(private, "/bin/true")...).CombinedOutput(); err != nil {
		t.Skipf("no namespaces here: %s", out)
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), "/usr/bin/unshare", append(private, self, "-test.run=^TestModules$/^opencryptoki$", "-test.v")...)
	cmd.Env = append(os.Environ(), opencryptokiInside+"="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "--- ") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// opencryptokiInPrivate runs in namespaces of its own.
func opencryptokiInPrivate(t *testing.T) {
	t.Helper()
	privatePaths(t, os.Getenv(opencryptokiInside))
	daemon(t, "/var/run/pkcsslotd.socket", "/usr/sbin/pkcsslotd", "-f")
	const label, officer, pin = "qaqpa-ock", "76543210", "24681357" // of 4 to 8 characters, not the ones of delivery
	configure := func(input string, args ...string) error {
		cmd := exec.CommandContext(t.Context(), "/usr/sbin/pkcsconf", append([]string{"-c", "0"}, args...)...)
		cmd.Stdin = strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			return errors.New(string(out))
		}
		return nil
	}
	await(t, "the daemon", func() bool { return configure("", "-t") == nil })
	must(t, configure(label+"\n", "-I", "-S", "87654321"))
	must(t, configure("", "-P", "-S", "87654321", "-n", officer))
	must(t, configure("", "-u", "-S", officer, "-n", "0000"))
	must(t, configure("", "-p", "-U", "0000", "-n", pin))

	token, err := hsm.Open(t.Context(), hsm.Config{Module: opencryptokiModule, Token: label, PIN: pin, CallTimeout: 20 * time.Second})
	must(t, err)
	for _, a := range moduleAlgorithms {
		if _, err := token.Generate(t.Context(), string(a), a); errors.Is(err, hsm.ErrAlgorithm) {
			t.Logf("%s: %v", a, err)
		} else {
			must(t, err)
		}
	}
	_, err = token.GenerateSecret(t.Context(), "index", hsm.HMACSHA256)
	must(t, err)
	must(t, token.Close())
	f, err := hsm.OpenFleet(t.Context(), hsm.FleetConfig{
		Tokens: []hsm.FleetToken{{Module: opencryptokiModule, Label: label, PIN: pin, Processes: 2}}, CallTimeout: 20 * time.Second,
	})
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	if k := fleetKey(t, f, string(hsm.RSA2048)); k.Algorithm() != hsm.RSA2048 {
		t.Errorf("the token has no RSA: %s", k.Algorithm())
	}
	moduleBody(t, f)
}

// privatePaths puts empty folders in the place of all that opencryptoki has in the system.
func privatePaths(t *testing.T, dir string) {
	t.Helper()
	must(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	group, err := user.LookupGroup("pkcs11")
	must(t, err)
	gid, err := strconv.Atoi(group.Gid)
	must(t, err)
	for _, path := range []string{"/etc/opencryptoki", "/var/lib/opencryptoki", "/var/log", "/run", "/dev/shm"} {
		own := filepath.Join(dir, filepath.Base(path)+strconv.Itoa(len(path)))
		must(t, os.MkdirAll(own, 0o770))
		must(t, os.MkdirAll(path, 0o755))
		must(t, syscall.Mount(own, path, "", syscall.MS_BIND, ""))
	}
	must(t, os.Mkdir("/run/lock", 0o755))
	if lock, err := filepath.EvalSymlinks("/var/lock"); err == nil && lock != "/run/lock" {
		must(t, syscall.Mount("/run/lock", lock, "", syscall.MS_BIND, ""))
	}
	for _, path := range []string{"/var/lib/opencryptoki/swtok/TOK_OBJ", "/run/lock/opencryptoki/swtok"} {
		must(t, os.MkdirAll(path, 0o770))
		for p := path; strings.Contains(p, "opencryptoki"); p = filepath.Dir(p) {
			must(t, os.Chmod(p, 0o770)) // whatever the umask is
			must(t, os.Chown(p, 0, gid))
		}
	}
	must(t, os.WriteFile("/etc/opencryptoki/opencryptoki.conf", []byte("version opencryptoki-3.1\nslot 0\n{\nstdll = libpkcs11_sw.so\n}\n"), 0o600))
}
