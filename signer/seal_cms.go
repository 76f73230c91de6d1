package signer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/sealing"
)

// cmsTask is one CAdES signature at a level of the baseline.
type cmsTask struct {
	// document, or its digest with hash
	document, digest []byte
	hash             algo.Hash
	detached         bool
	level            sealing.Level
	tsaPolicy        string
	key              SigningKey
	now              time.Time
}

// needsAuthority refuses a level above B where nobody issues time stamps, before a key is asked.
func (s *Service) needsAuthority(level sealing.Level) error {
	switch {
	case level.Rank() < 0:
		return fmt.Errorf("%w: there is no level %q", ErrRequest, level)
	case level != sealing.B && !s.StampsTime():
		return fmt.Errorf("%w: no time-stamping authority is set", ErrTimeStamp)
	}
	return nil
}

// unrecordedCMS makes a signature of which the audit log does not know yet: it must not leave.
func (s *Service) unrecordedCMS(ctx context.Context, t cmsTask) ([]byte, error) {
	in := cms.SignInput{
		Content: t.document, Digest: t.digest, Hash: t.hash, Detached: t.detached, Certificate: t.key.Chain[0], Chain: t.key.Chain[1:],
		Signer: keyFor(ctx, t.key.Key), SigningTime: t.now.Truncate(time.Second), Rand: rand.Reader,
	}
	out, err := cms.Sign(in)
	switch {
	case t.digest != nil && (errors.Is(err, algo.ErrMismatch) || errors.Is(err, algo.ErrNotAllowed)):
		return nil, fmt.Errorf("%w: this digest does not go with the key: %w", ErrRequest, err)
	case err != nil:
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	rank := t.level.Rank()
	out, err = s.enrich(ctx, out, SignCMSRequest{Key: t.key, TimeStamp: rank >= 1, TSAPolicy: t.tsaPolicy, Evidence: rank >= 2})
	if err != nil || t.level != sealing.LTA {
		return out, err
	}
	content, h := cms.Content{}, stampHash(t.key.Chain[0])
	switch {
	case t.digest != nil: // only this hash of the content is known
		content, h = cms.ContentDigests(map[algo.Hash][]byte{t.hash: t.digest}), t.hash
	case t.detached:
		content = cms.ContentOf(t.document)
	}
	return s.archiveCMS(ctx, out, archiveTask{content: content, hash: h, tsaPolicy: t.tsaPolicy})
}

// archiveTask says how a signature gets an archive time stamp.
type archiveTask struct {
	signer    int
	content   cms.Content // of a detached document
	hash      algo.Hash
	tsaPolicy string
}

// archiveCMS adds an archive time stamp over everything that a document holds.
func (s *Service) archiveCMS(ctx context.Context, document []byte, t archiveTask) ([]byte, error) {
	sd, err := cms.Parse(document, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the signature: %w", err)
	}
	imprint, index, err := sd.ArchiveImprint(t.signer, t.hash, t.content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	token, _, err := s.stampDigest(ctx, t.hash, imprint, t.tsaPolicy)
	if err != nil {
		return nil, err
	}
	return sd.AddArchiveStamp(t.signer, token, index)
}
