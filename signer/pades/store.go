package pades

import (
	"crypto/sha1" //nolint:gosec // VRI keys are SHA-1 by definition
	"fmt"
	"slices"
	"strings"

	"qaqpa/signer/pdf"
)

// AddEvidence adds certificates and revocation data to the security store (ISO 32000-2 12.8.4.3, EN 319 142-1 5.4.2), each once,
// and names them in VRI for the newest signature. What is there stays. Errors: those of Open and pdf.File.Update.
func AddEvidence(data []byte, more Store) ([]byte, error) {
	d, err := Open(data, pdf.Limits{})
	if err != nil {
		return nil, err
	}
	u, err := d.File.Update()
	if err != nil {
		return nil, err
	}
	v := d.File.Last()
	root, ok := v.Trailer().Get("Root").(pdf.Ref)
	catalog := v.Dict(root)
	if !ok || catalog == nil {
		return nil, pdf.ErrStructure
	}
	store := v.Dict(catalog.Get("DSS"))
	related := pdf.NewDict(nil)
	for _, l := range []struct {
		list, one  pdf.Name
		had, added [][]byte
	}{
		{"Certs", "Cert", d.Store.Certificates, more.Certificates},
		{"CRLs", "CRL", d.Store.CRLs, more.CRLs},
		{"OCSPs", "OCSP", d.Store.OCSPs, more.OCSPs},
	} {
		all := slices.Clone(v.Array(store.Get(l.list)))
		var own pdf.Array
		for _, object := range l.added {
			if slices.ContainsFunc(l.had, func(o []byte) bool { return string(o) == string(object) }) {
				continue
			}
			ref := u.Add(pdf.NewStream(pdf.NewDict(nil), object))
			all, own = append(all, ref), append(own, ref)
		}
		if len(all) > 0 {
			store = store.With(l.list, all)
		}
		if len(own) > 0 {
			related = related.With(l.one, own)
		}
	}
	if key := d.newestKey(); key != "" && related.Len() > 0 {
		store = store.With("VRI", v.Dict(store.Get("VRI")).With(pdf.Name(key), related))
	}
	if store == nil {
		return data, nil
	}
	u.Set(root.Number, catalog.With("DSS", u.Add(store)))
	return u.Bytes(), nil
}

// newestKey is the VRI key of the newest signature: the SHA-1 of its Contents, in capitals.
func (d *Document) newestKey() string {
	if len(d.Signatures) == 0 {
		return ""
	}
	sum := sha1.Sum(d.Signatures[len(d.Signatures)-1].Contents) //nolint:gosec // see above
	return strings.ToUpper(fmt.Sprintf("%x", sum))
}
