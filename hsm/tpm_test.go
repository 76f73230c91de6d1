package hsm_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"qaqpa/hsm"
)

// tpmModule is the PKCS#11 module over a TPM 2.0: a small serial HSM with its own rules, no secret keys and no Ed25519.
const tpmModule = "/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so"

// tpmBody is the body of TestModules over a TPM in software, reached over a socket in a private folder: no bus and no daemon of the system.
func tpmBody(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(tpmModule); err != nil {
		t.Skip("needs libtpm2-pkcs11-1")
	}
	for _, program := range []string{"swtpm", "dbus-daemon", "tpm2-abrmd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("needs swtpm, dbus-daemon and tpm2-abrmd with their libraries")
		}
	}
	startTPM(t)
	const label, pin = "qaqpa-tpm", "tpm-test-pin"
	await(t, "the resource manager", func() bool { return hsm.InitToken(tpmModule, label, "tpm-test-officer", pin) == nil })
	token, err := hsm.Open(t.Context(), hsm.Config{Module: tpmModule, Token: label, PIN: pin, CallTimeout: 20 * time.Second})
	must(t, err)
	for _, a := range []hsm.Algorithm{hsm.ECDSAP256, hsm.ECDSAP384} { // a TPM's CKM_RSA_PKCS decrypts, which a key that only signs refuses
		generate(t, token, string(a), a)
	}
	if _, err := token.Generate(t.Context(), "edwards", hsm.Ed25519); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("a TPM makes Ed25519: %v", err)
	}
	must(t, token.Close())
	f, err := hsm.OpenFleet(t.Context(), hsm.FleetConfig{
		Tokens: []hsm.FleetToken{{Module: tpmModule, Label: label, PIN: pin, Seats: 1}}, CallTimeout: 20 * time.Second,
	})
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	moduleBody(t, f)
}

// busConfig is that of a message bus for one test: it listens in a private folder and knows no services.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`

// startTPM runs a fresh TPM and its resource manager on a bus of their own until the test ends, and points the module at them. A TPM has
// room for three keys at once; the resource manager takes turns with them.
func startTPM(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "qaqpa-tpm-") //nolint:usetesting // short: a socket's path has at most 108 bytes
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	tpm, bus, config, store := filepath.Join(dir, "tpm"), filepath.Join(dir, "bus"), filepath.Join(dir, "bus.conf"), filepath.Join(dir, "store")
	must(t, os.Mkdir(store, 0o700))
	must(t, os.WriteFile(config, fmt.Appendf(nil, busConfig, bus), 0o600))
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+bus)
	t.Setenv("TPM2_PKCS11_STORE", store)
	t.Setenv("TPM2_PKCS11_TCTI", "tabrmd:bus_type=session")
	t.Setenv("TPM2_PKCS11_LOG_LEVEL", "0")
	t.Setenv("TSS2_LOG", "all+none")
	daemon(t, tpm+".ctrl", "swtpm", "socket", "--tpm2", "--tpmstate", "dir="+dir, "--server", "type=unixio,path="+tpm,
		"--ctrl", "type=unixio,path="+tpm+".ctrl", "--flags", "not-need-init,startup-clear")
	daemon(t, bus, "dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile")
	daemon(t, "", "tpm2-abrmd", "--session", "--allow-root", "--tcti=swtpm:path="+tpm)
}

// daemon runs a program until the test ends, and waits for its socket.
func daemon(t *testing.T, socket, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...) //nolint:noctx // it outlives the test's context: what uses it is closed in a clean-up
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if socket != "" {
		await(t, program, func() bool {
			_, err := os.Stat(socket)
			return err == nil
		})
	}
}
