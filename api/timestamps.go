package api

import "context"

// Media types of RFC 3161 3.4.
const (
	typeTimeQuery = "application/timestamp-query"
	typeTimeReply = "application/timestamp-reply"
)

// timeQueryBytes bounds a time-stamp request: an imprint, a policy and a nonce.
const timeQueryBytes = 4096

// TimeStamps is a time-stamping authority.
type TimeStamps interface {
	// Stamp answers a TimeStampReq (DER) with a TimeStampResp (DER), in the name of actor. An error means that nothing was
	// issued and no response says why.
	Stamp(ctx context.Context, request []byte, actor string) ([]byte, error)
}

// timeStampRoute is the authority's operation, as every client of RFC 3161 knows it.
func (s *Server) timeStampRoute() route {
	r := post("/v1/timestamps", "", timeQueryBytes, s.timeStamp).slowly().as(typeTimeReply)
	r.mayIdentify = true
	r.consumes = []string{typeTimeQuery}
	return r
}

func (s *Server) timeStamp(ctx context.Context, r *request) (*response, error) {
	if s.cfg.TimeStamps == nil {
		return nil, refuse(codeRouteUnknown)
	}
	reply, err := s.cfg.TimeStamps.Stamp(ctx, r.body, r.caller.Actor())
	if err != nil {
		return nil, err
	}
	resp := &response{status: 200, contentType: typeTimeReply, body: reply}
	resp.set("Cache-Control", "no-store")
	return resp, nil
}
