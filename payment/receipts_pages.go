package payment

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/receipt"
)

// ReceiptPage returns the PDF of a receipt in a language, and the detached CMS over it. A page in another language than the receipt's own is made and
// sealed at the first request and kept: later requests get the same bytes. Errors: [ErrReceiptUnknown].
func (s *Service) ReceiptPage(ctx context.Context, id string, lang receipt.Language) (pdf, seal []byte, err error) {
	if lang == receipt.Bilingual {
		return s.ReceiptPDF(ctx, id)
	}
	if pdf, seal, err = s.keptPage(ctx, id, lang); !errors.Is(err, ErrReceiptUnknown) {
		return pdf, seal, err
	}
	if err := s.translate(ctx, id, lang); err != nil {
		return nil, nil, err
	}
	return s.keptPage(ctx, id, lang)
}

// keptPage reads a page that was made before.
func (s *Service) keptPage(ctx context.Context, id string, lang receipt.Language) (pdf, seal []byte, err error) {
	bucket, ok := bucketOfID(prefixReceipt, id)
	if !ok {
		return nil, nil, ErrReceiptUnknown
	}
	var row struct {
		PDF  []byte `db:"pdf"`
		Seal []byte `db:"pdf_seal"`
	}
	err = orMissing(one(ctx, s.db, &row, `SELECT pdf, pdf_seal FROM receipt_pages WHERE bucket = $1 AND receipt_id = $2 AND language = $3`, bucket, id, lang), ErrReceiptUnknown)
	if err != nil {
		return nil, nil, err
	}
	if pdf, err = s.private.open(ctx, row.PDF, placeOfPage("pdf", id, lang)); err != nil {
		return nil, nil, err
	}
	seal, err = s.private.open(ctx, row.Seal, placeOfPage("pdf_seal", id, lang))
	return pdf, seal, err
}

func placeOfPage(column, id string, lang receipt.Language) []byte {
	return place("receipt_pages", column, id+"/"+string(lang))
}

// translate makes and keeps a page. Of two who ask at once the first to commit is kept.
func (s *Service) translate(ctx context.Context, id string, lang receipt.Language) error {
	rcp, err := s.Receipt(ctx, id)
	if err != nil {
		return err
	}
	copied, err := s.copyOf(ctx, rcp, lang)
	if err != nil {
		return err
	}
	drawing, err := receipt.Draw(copied.Receipt, lang)
	if err != nil {
		return err
	}
	pdf, err := s.sealCopy(ctx, copied, drawing)
	if err != nil {
		return err
	}
	seal, err := s.cfg.Sealer.SealDetached(ctx, pdf)
	if err != nil {
		return fmt.Errorf("couldn't seal the page of %s: %w", id, err)
	}
	bucket, _ := bucketOfID(prefixReceipt, id)
	digest := digestOfPage(pdf)
	keptPDF, err := s.private.seal(ctx, pdf, placeOfPage("pdf", id, lang))
	if err != nil {
		return err
	}
	keptSeal, err := s.private.seal(ctx, seal, placeOfPage("pdf_seal", id, lang))
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		if err := exec(ctx, tx, -1, `INSERT INTO receipt_pages (bucket, receipt_id, language, pdf, pdf_seal, pdf_sha256, made_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`, bucket, id, lang, keptPDF, keptSeal, digest, s.now()); err != nil {
			return err
		}
		return s.audit(ctx, tx, entry{actorGateway, "receipt.translated", id, map[string]string{"language": string(lang), "pdf_sha256": digest}})
	})
}

// copyOf begins a copy of a receipt; page and court's part are missing.
func (s *Service) copyOf(ctx context.Context, rcp Receipt, lang receipt.Language) (receipt.Copy, error) {
	core, err := receipt.Decode(rcp.Core)
	if err != nil {
		return receipt.Copy{}, fmt.Errorf("couldn't read receipt %s: %w", rcp.ID, err)
	}
	seal, err := s.ReceiptCMS(ctx, rcp.ID)
	if err != nil {
		return receipt.Copy{}, err
	}
	return receipt.Copy{
		Type: receipt.CopyType, Version: receipt.CopyVersion, Language: lang, MadeAt: s.now().UTC().Format(time.RFC3339Nano),
		Receipt: core, ReceiptCMS: base64.StdEncoding.EncodeToString(seal),
	}, nil
}

// sealCopy puts the copy into its page and seals both.
func (s *Service) sealCopy(ctx context.Context, c receipt.Copy, drawing receipt.Drawing) ([]byte, error) {
	c.PageSHA256 = digestOfPage(drawing.PDF)
	raw, err := c.Encode()
	if err != nil {
		return nil, fmt.Errorf("couldn't write the copy of %s: %w", c.Receipt.ID, err)
	}
	pdf, err := s.cfg.Sealer.SealPDF(ctx, SealPage{
		PDF: drawing.PDF, AttachmentName: receipt.CopyName, Attachment: raw,
		Page: drawing.Page, X: drawing.X, Y: drawing.Y, Code: receipt.VerifyURL(c.Receipt.Issuer.URL, c.Receipt.Code),
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't seal the copy of %s: %w", c.Receipt.ID, err)
	}
	if !receipt.BeginsWith(pdf, c.PageSHA256) {
		return nil, fmt.Errorf("the sealed copy of %s is another page", c.Receipt.ID)
	}
	return pdf, nil
}

func digestOfPage(pdf []byte) string {
	sum := sha256.Sum256(pdf)
	return hex.EncodeToString(sum[:])
}

// HasPage reports whether a PDF with the digest, hex, was given out as a page of the receipt in any language.
func (s *Service) HasPage(ctx context.Context, rcp Receipt, pdfSHA256 string) (bool, error) {
	if rcp.PDFSHA256 == pdfSHA256 {
		return true, nil
	}
	bucket, ok := bucketOfID(prefixReceipt, rcp.ID)
	if !ok {
		return false, nil
	}
	var found bool
	err := one(ctx, s.db, &found, `SELECT EXISTS (SELECT 1 FROM receipt_pages WHERE bucket = $1 AND receipt_id = $2 AND pdf_sha256 = $3)`, bucket, rcp.ID, pdfSHA256)
	return found, err
}
