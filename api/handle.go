package api

import (
	"context"
	"encoding/json"
	"fmt"

	"qaqpa/api/strictjson"
)

// reply is what a typed handler returns.
type reply[T any] struct {
	Status   int // 0 means 200
	Body     T
	Location string
	Replayed bool // the stored answer of an earlier call
}

// handle makes an endpoint of a typed handler: the body is read strictly into In, the result is written as JSON.
// It fails at start when In has no strict reading.
func handle[In, Out any](f func(ctx context.Context, r *request, in In) (reply[Out], error)) (endpoint, error) {
	return handleRaw(func(ctx context.Context, r *request, in In) (*response, error) {
		out, err := f(ctx, r, in)
		if err != nil {
			return nil, err
		}
		return out.response()
	})
}

// handleRaw is [handle] for a handler that writes something else than JSON.
func handleRaw[In any](f func(ctx context.Context, r *request, in In) (*response, error)) (endpoint, error) {
	dec, err := strictjson.New[In](strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("couldn't plan the reading of a body: %w", err)
	}
	return func(ctx context.Context, r *request) (*response, error) {
		in, err := dec.Decode(r.body)
		if err != nil {
			return nil, err
		}
		return f(ctx, r, in)
	}, nil
}

// answer makes an endpoint of a handler without a JSON body.
func answer[Out any](f func(ctx context.Context, r *request) (reply[Out], error)) endpoint {
	return func(ctx context.Context, r *request) (*response, error) {
		out, err := f(ctx, r)
		if err != nil {
			return nil, err
		}
		return out.response()
	}
}

func (o reply[T]) response() (*response, error) {
	body, err := json.Marshal(o.Body)
	if err != nil {
		return nil, fmt.Errorf("couldn't write the answer: %w", err)
	}
	resp := &response{status: o.Status, contentType: typeJSON, body: body}
	if resp.status == 0 {
		resp.status = 200
	}
	if o.Location != "" {
		resp.set("Location", o.Location)
	}
	if o.Replayed {
		resp.set("Idempotent-Replayed", "true")
	}
	return resp, nil
}
