package report

// chainData is what AssociatedValidationReportData is made of.
type chainData struct {
	chain      []Certificate
	revocation []Revocation
	reasons    []Reason
	algorithm  string
	stamps     []TimeStamp
}

// data is AssociatedValidationReportData: anchor, chain, objects, revocation, algorithm and reasons; nil where there is nothing.
func (w *etsi) data(d chainData) *element {
	out := el("vr:AssociatedValidationReportData")
	certificate := func(i int) string { return w.object(d.chain[i].SHA256, kindURNs["certificate"]) }
	last := len(d.chain) - 1
	anchored := last >= 0 && d.chain[last].Anchor
	if anchored {
		out.add(reference("vr:TrustAnchor", certificate(last)))
	}
	if len(d.chain) > 0 {
		chain := el("vr:CertificateChain", reference("vr:SigningCertificate", certificate(0)))
		for i := 1; i <= last; i++ {
			name := "vr:IntermediateCertificate"
			if i == last && anchored {
				name = "vr:TrustAnchor"
			}
			chain.add(reference(name, certificate(i)))
		}
		out.add(chain)
	}
	for _, r := range d.revocation {
		out.add(reference("vr:RelatedValidationObject", w.object(r.EvidenceSHA256, kindURNs[r.Source])))
	}
	for i := range d.stamps {
		out.add(reference("vr:RelatedValidationObject", w.timeStamp(&d.stamps[i])))
	}
	for _, r := range d.revocation {
		if r.Status != "revoked" || r.RevokedAt == nil {
			continue
		}
		revoked := el("vr:RevocationStatusInformation",
			reference("vr:ValidationObjectId", w.object(r.CertificateSHA256, kindURNs["certificate"])),
			leaf("vr:RevocationTime", moment(*r.RevokedAt)))
		if r.RevocationReason != "" {
			revoked.add(leaf("vr:RevocationReason", etsiURN+"revocationReason:"+r.RevocationReason))
		}
		out.add(revoked.add(reference("vr:RevocationObject", w.object(r.EvidenceSHA256, kindURNs[r.Source]))))
		break // one is allowed: the signer's comes first
	}
	out.add(reasonsOf(d))
	if len(out.children) == 0 {
		return nil
	}
	return out
}

// reasonsOf are the reasons and the algorithm, which TS 119 102-2 has no elements of its own for.
func reasonsOf(d chainData) *element {
	out := el("vr:AdditionalValidationReportData")
	add := func(kind, text string) {
		if text != "" {
			out.add(el("vr:ReportData", leaf("vr:Type", localURN+kind), leaf("vr:Value", text)))
		}
	}
	add("algorithm", d.algorithm)
	for _, r := range d.reasons {
		text := r.Text.EN
		if r.Clause != "" {
			text += " [" + r.Clause + "]"
		}
		if r.Detail != "" {
			text += " (" + r.Detail + ")"
		}
		add("reason:"+string(r.Code), text)
	}
	if len(out.children) == 0 {
		return nil
	}
	return out
}
