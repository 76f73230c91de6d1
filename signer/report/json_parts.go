package report

import "strconv"

func (w *jsonWriter) end() { w.b = append(w.b, '}') }

func (w *jsonWriter) words(before string, t *Text) {
	w.b = append(w.b, before...)
	w.text(`{"kk":`, t.KK)
	w.text(`,"ru":`, t.RU)
	w.text(`,"en":`, t.EN)
	w.end()
}

func (w *jsonWriter) reason(r *Reason) {
	w.text(`{"code":`, string(r.Code))
	w.opt(`,"clause":`, r.Clause)
	w.words(`,"text":`, &r.Text)
	w.words(`,"advice":`, &r.Advice)
	w.opt(`,"level":`, r.Level)
	w.opt(`,"detail":`, r.Detail)
	w.opt(`,"certificate_sha256":`, r.CertificateSHA256)
	w.end()
}

func (w *jsonWriter) integrity(before string, i *Integrity) {
	w.b = append(w.b, before...)
	w.text(`{"signature_value":`, i.Value)
	w.opt(`,"key":`, i.Key)
	w.text(`,"references":`, i.References)
	w.opt(`,"manifests":`, i.Manifests)
	w.end()
}

func (w *jsonWriter) block(b *Block) {
	w.text(`{"name":`, b.Name)
	w.text(`,"clause":`, b.Clause)
	w.text(`,"indication":`, b.Indication)
	w.opt(`,"sub_indication":`, string(b.Sub))
	w.end()
}

func (w *jsonWriter) constraint(c *Constraint) {
	w.text(`{"name":`, c.Name)
	w.text(`,"level":`, c.Level)
	w.flag(`,"kept":`, c.Kept)
	w.end()
}

func (w *jsonWriter) signer(s *Signer) {
	w.text(`{"kind":`, s.Kind)
	w.text(`,"name":`, s.Name)
	w.opt(`,"organisation":`, s.Organisation)
	w.opt(`,"iin":`, s.IIN)
	w.opt(`,"bin":`, s.BIN)
	w.flag(`,"identifiers_valid":`, s.IdentifiersValid)
	list(w, `,"roles":`, s.Roles, w.role)
	w.text(`,"key_use":`, s.KeyUse)
	w.opt(`,"storage":`, s.Storage)
	w.opt(`,"email":`, s.Email)
	w.text(`,"certificate_sha256":`, s.CertificateSHA256)
	w.text(`,"serial":`, s.Serial)
	w.text(`,"issuer":`, s.Issuer)
	w.time(`,"not_before":`, s.NotBefore)
	w.time(`,"not_after":`, s.NotAfter)
	if s.ThirdParty != nil {
		w.text(`,"trusted_third_party":{"name":`, s.ThirdParty.Name)
		w.text(`,"territory":`, s.ThirdParty.Territory)
		w.end()
	}
	w.end()
}

func (w *jsonWriter) role(r *Role) {
	w.text(`{"code":`, r.Code)
	w.text(`,"oid":`, r.OID)
	w.words(`,"name":`, &r.Name)
	w.end()
}

func (w *jsonWriter) certificate(c *Certificate) {
	w.text(`{"subject":`, c.Subject)
	w.text(`,"issuer":`, c.Issuer)
	w.text(`,"serial":`, c.Serial)
	w.text(`,"sha256":`, c.SHA256)
	w.time(`,"not_before":`, c.NotBefore)
	w.time(`,"not_after":`, c.NotAfter)
	w.text(`,"algorithm":`, c.Algorithm)
	w.optFlag(`,"anchor":`, c.Anchor)
	w.end()
}

func (w *jsonWriter) revocation(r *Revocation) {
	w.text(`{"certificate_sha256":`, r.CertificateSHA256)
	w.text(`,"status":`, r.Status)
	w.opt(`,"source":`, r.Source)
	w.opt(`,"evidence_sha256":`, r.EvidenceSHA256)
	w.optTime(`,"this_update":`, r.ThisUpdate)
	w.optTime(`,"next_update":`, r.NextUpdate)
	w.optTime(`,"revoked_at":`, r.RevokedAt)
	w.opt(`,"revocation_reason":`, r.RevocationReason)
	w.end()
}

func (w *jsonWriter) evidence(e *Evidence) {
	w.text(`{"kind":`, e.Kind)
	w.opt(`,"sha256":`, e.SHA256)
	w.opt(`,"name":`, e.Name)
	w.text(`,"source":`, e.Source)
	w.optInt(`,"size_bytes":`, e.SizeBytes)
	w.optTime(`,"obtained_at":`, e.ObtainedAt)
	w.opt(`,"certificate_sha256":`, e.CertificateSHA256)
	w.opt(`,"nonce":`, e.Nonce)
	w.opt(`,"failure":`, e.Failure)
	w.end()
}

func (w *jsonWriter) attribute(a *Attribute) {
	before := `{"name":`
	if a.OID != "" {
		w.text(`{"oid":`, a.OID)
		before = `,"name":`
	}
	w.text(before, a.Name)
	w.flag(`,"signed":`, a.Signed)
	w.opt(`,"value":`, a.Value)
	w.end()
}

func (w *jsonWriter) attributeCertificate(a *AttributeCertificate) {
	w.text(`{"issuer":`, a.Issuer)
	w.text(`,"serial":`, a.Serial)
	w.time(`,"not_before":`, a.NotBefore)
	w.time(`,"not_after":`, a.NotAfter)
	list(w, `,"attributes":`, a.Attributes, func(s *string) { w.string(*s) })
	w.text(`,"sha256":`, a.SHA256)
	w.end()
}

func (w *jsonWriter) signaturePolicy(p *SignaturePolicy) {
	begin := len(w.b)
	w.opt(`,"oid":`, p.OID)
	w.opt(`,"uri":`, p.URI)
	w.opt(`,"hash":`, p.Hash)
	w.opt(`,"digest":`, p.Digest)
	if len(w.b) == begin {
		w.b = append(w.b, '{')
	} else {
		w.b[begin] = '{' // in the place of the first comma
	}
	w.end()
}

func (w *jsonWriter) scope(s *Scope) {
	w.text(`{"coverage":`, s.Coverage)
	w.flag(`,"agrees":`, s.Agrees)
	if s.URI != nil {
		w.text(`,"uri":`, *s.URI)
	}
	optList(w, `,"parts":`, s.Parts, w.node)
	optList(w, `,"holes":`, s.Holes, w.node)
	w.optFlag(`,"cut":`, s.Cut)
	w.optFlag(`,"derived":`, s.Derived)
	w.optFlag(`,"comments":`, s.Comments)
	w.optInt(`,"later_signatures_left_out":`, s.LaterSignaturesLeftOut)
	w.opt(`,"detail":`, s.Detail)
	w.end()
}

func (w *jsonWriter) node(n *Node) {
	w.text(`{"path":`, n.Path)
	w.opt(`,"id":`, n.ID)
	w.end()
}

func (w *jsonWriter) change(c *Change) {
	w.text(`{"kind":`, c.Kind)
	w.b = append(w.b, `,"revision":`...)
	w.b = strconv.AppendInt(w.b, int64(c.Revision), 10)
	w.opt(`,"field":`, c.Field)
	w.optFlag(`,"forbidden":`, c.Forbidden)
	w.text(`,"detail":`, c.Detail)
	w.end()
}

func (w *jsonWriter) timeStamp(t *TimeStamp) {
	w.text(`{"kind":`, t.Kind)
	w.opt(`,"sha256":`, t.SHA256)
	w.opt(`,"process":`, t.Process)
	w.opt(`,"imprint":`, t.Imprint)
	w.optInt(`,"objects":`, t.Objects)
	w.text(`,"indication":`, string(t.Indication))
	w.opt(`,"sub_indication":`, string(t.Sub))
	list(w, `,"reasons":`, t.Reasons, w.reason)
	w.time(`,"gen_time":`, t.GenTime)
	w.text(`,"serial":`, t.Serial)
	w.text(`,"policy":`, t.Policy)
	w.text(`,"algorithm":`, t.Algorithm)
	w.opt(`,"tsa":`, t.TSA)
	optList(w, `,"chain":`, t.Chain, w.certificate)
	optList(w, `,"revocation":`, t.Revocation, w.revocation)
	w.end()
}
