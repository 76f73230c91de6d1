package pki

import (
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// index is index.json: everything but certificates and keys.
type index struct {
	Version    int                `json:"version"`
	Port       int                `json:"port"`
	BaseURL    string             `json:"base_url"`
	Families   []Family           `json:"families"`
	Identities map[string]*record `json:"identities"`
	Lists      map[string]*list   `json:"lists"`  // by name of the CA
	Stamps     int64              `json:"stamps"` // time-stamp tokens issued
}

// record is an identity in the index. Its certificates are identities/NAME.pem, leaf first, its key,
// if it is here, identities/NAME.key.pem.
type record struct {
	Profile Profile `json:"profile"`
	CA      string  `json:"ca"` // file name of the issuer
	HasKey  bool    `json:"has_key"`
}

// list is the revocation state of a CA.
type list struct {
	Certificates map[string]string `json:"certificates"` // serial in hex → name of the identity
	Number       int64             `json:"crl_number"`   // of the last full list
	Delta        int64             `json:"delta_number"` // of the last delta: another counter, usually behind
	Issued       time.Time         `json:"issued"`       // when the last full list was made
	Revocations  []revocation      `json:"revocations"`
	Released     []revocation      `json:"released,omitempty"` // taken off hold since the last full list
}

type revocation struct {
	Serial string    `json:"serial"` // hex of the content octets
	At     time.Time `json:"at"`     // revocationDate
	Reason Reason    `json:"reason"`
	Listed bool      `json:"listed"` // the last full list has it
}

func (p *PKI) makeFolders() error {
	for _, sub := range []string{"authorities", "identities"} {
		if err := os.MkdirAll(filepath.Join(p.dir, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// load reads an existing folder; os.ErrNotExist when there is none.
func (p *PKI) load() error {
	raw, err := os.ReadFile(filepath.Join(p.dir, "index.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &p.index); err != nil {
		return fmt.Errorf("couldn't read index.json: %w", err)
	}
	for _, f := range p.index.Families {
		if p.hierarchies[f], err = p.readHierarchy(f, false); err != nil {
			return err
		}
	}
	return nil
}

// save writes the index: a new file takes the old one's place at once, so that a crash leaves one of
// them whole.
func (p *PKI) save() error {
	raw, err := json.MarshalIndent(p.index, "", "  ")
	if err != nil {
		return err
	}
	return p.write("index.json", raw)
}

func (p *PKI) write(file string, raw []byte) error {
	path := filepath.Join(p.dir, file)
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (p *PKI) keepHierarchy(h *hierarchy) error {
	for _, ca := range []*CA{h.root, h.nca} {
		if err := p.write("authorities/"+ca.file()+".pem", pemCertificate(ca.Certificate)); err != nil {
			return err
		}
		der, err := marshalKey(ca.key)
		if err != nil {
			return err
		}
		if err := p.write("authorities/"+ca.file()+".key.pem", pemKey(der)); err != nil {
			return err
		}
	}
	return nil
}

func pemKey(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (p *PKI) readHierarchy(f Family, impostor bool) (*hierarchy, error) {
	root, err := p.readCA(f, nil, impostor)
	if err != nil {
		return nil, err
	}
	nca, err := p.readCA(f, root, impostor)
	return &hierarchy{root, nca}, err
}

func (p *PKI) readCA(f Family, parent *CA, impostor bool) (*CA, error) {
	ca := &CA{Family: f, Root: parent == nil, parent: parent, impostor: impostor}
	ca.Name = authorityName(f, ca.Root)
	chain, err := p.readPEM("authorities/" + ca.file() + ".pem")
	if err != nil {
		return nil, err
	}
	key, err := p.readPEM("authorities/" + ca.file() + ".key.pem")
	if err != nil {
		return nil, err
	}
	if ca.key, err = parseKey(key[0]); err != nil {
		return nil, err
	}
	if err := ca.describe(chain[0]); err != nil {
		return nil, err
	}
	if impostor {
		ca.keyID = p.hierarchies[f].pick(ca.Root).keyID
	}
	return ca, nil
}

func (h *hierarchy) pick(root bool) *CA {
	if root {
		return h.root
	}
	return h.nca
}

// describe fills in what the certificate says.
func (ca *CA) describe(der []byte) error {
	c, err := readCertificate(der)
	if err != nil {
		return err
	}
	if ca.content, err = spkiContent(c.spki); err != nil {
		return err
	}
	ca.Certificate, ca.subject, ca.serial, ca.keyID = der, c.subject, c.serial, keyID(ca.content)
	return nil
}

// readPEM reads the blocks of a file; at least one.
func (p *PKI) readPEM(file string) ([][]byte, error) {
	raw, err := os.ReadFile(filepath.Join(p.dir, file)) // the folder is the caller's, names are checked by safeName
	if err != nil {
		return nil, err
	}
	var blocks [][]byte
	for {
		var block *pem.Block
		if block, raw = pem.Decode(raw); block == nil {
			break
		}
		blocks = append(blocks, block.Bytes)
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s holds no PEM block", file)
	}
	return blocks, nil
}

// keepIdentity writes the identity's files and its record.
func (p *PKI) keepIdentity(id *Identity, ca *CA) error {
	chain := pemCertificate(id.Certificate)
	for _, der := range id.Chain {
		chain = append(chain, pemCertificate(der)...)
	}
	if err := p.write("identities/"+id.Name+".pem", chain); err != nil {
		return err
	}
	if id.Key != nil {
		der, err := marshalKey(id.Key)
		if err != nil {
			return err
		}
		if err := p.write("identities/"+id.Name+".key.pem", pemKey(der)); err != nil {
			return err
		}
	}
	p.index.Identities[id.Name] = &record{Profile: id.Profile, CA: ca.file(), HasKey: id.Key != nil}
	p.identities[id.Name] = id
	return p.save()
}

// readIdentity brings an identity back from the folder.
func (p *PKI) readIdentity(name string) (*Identity, error) {
	rec, ok := p.index.Identities[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	chain, err := p.readPEM("identities/" + name + ".pem")
	if err != nil {
		return nil, err
	}
	c, err := readCertificate(chain[0])
	if err != nil {
		return nil, err
	}
	id := &Identity{
		Name: name, Profile: rec.Profile, Certificate: chain[0], Chain: chain[1:], NotBefore: c.notBefore,
		NotAfter: c.notAfter, serial: c.serial, issuer: c.issuer, ca: rec.CA, pki: p,
	}
	if rec.HasKey {
		key, err := p.readPEM("identities/" + name + ".key.pem")
		if err != nil {
			return nil, err
		}
		if id.Key, err = parseKey(key[0]); err != nil {
			return nil, err
		}
	}
	p.identities[name] = id
	return id, nil
}

// listOf is the revocation state of a CA; p.mu is held.
func (p *PKI) listOf(ca *CA) *list { return p.listNamed(ca.file()) }

func (p *PKI) listNamed(caFile string) *list {
	l := p.index.Lists[caFile]
	if l == nil {
		// The counters of full and delta lists differ: a delta's number is often the lower one.
		l = &list{Number: 9, Certificates: map[string]string{}}
		p.index.Lists[caFile] = l
	}
	return l
}

func (l *list) find(serial []byte) (*revocation, bool) {
	wanted := hex.EncodeToString(serial)
	for i := range l.Revocations {
		if l.Revocations[i].Serial == wanted {
			return &l.Revocations[i], true
		}
	}
	return nil, false
}

// safeName keeps names usable as file names.
func safeName(name string) error {
	if name == "" || len(name) > 80 {
		return errors.New("a name has 1 to 80 characters")
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return fmt.Errorf("name %q: use a-z, 0-9, - and _", name)
		}
	}
	return nil
}
