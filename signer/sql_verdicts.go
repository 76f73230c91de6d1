package signer

import "context"

func (s *Service) loadVerdict(_ context.Context, _ string) (Verdict, error) {
	return Verdict{}, ErrVerdictNotFound
}

func (s *Service) validate(_ context.Context, _ ValidateRequest) (Verdict, error) {
	return Verdict{}, ErrRequest
}

func (s *Service) seal(_ context.Context, _ SealRequest) ([]byte, error) {
	return nil, ErrNoSealKey
}
