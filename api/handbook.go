package api

import (
	"context"
	"net/http"
	"slices"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
)

// handbook shows how to work with the gateway, to everybody: there is no secret in it.
func (s *Server) handbook(ctx context.Context, r *request) (*response, error) {
	role := r.param("role")
	if role != "" && !slices.Contains(portal.HandbookRoles(), role) {
		return nil, refuse(codeNotOwn)
	}
	who, err := s.visitor(ctx, r)
	if err != nil {
		who = auth.Session{} // the handbook is read while the database is away, too
	}
	body, err := s.pages.RenderHandbook(s.frame(r, who), role)
	return s.show(r, http.StatusOK, body, err)
}
