// Package api is everything of the gateway that speaks HTTP: the public interface of openapi.yaml, the page where
// anyone checks a document or a receipt, and the private administration listener.
//
// # Shape
//
// One table ([routes]) names every operation with its path, scope, body limit and media types. A request is copied out
// of fasthttp into a plain value once, passes the same gates in the same order (route, key, scope, query, Accept,
// media type, rate, memory, body, Idempotency-Key), and reaches a function of the domain as typed Go. Whatever comes
// back, an error included, becomes a response in one place (problem.go). Nothing of fasthttp leaves edge.go: its
// RequestCtx is reused by the next request, and as a context it ends with the server rather than with the request.
//
// # Bounds
//
//  1. Bodies are streamed: a client without a key, or over its limits, is refused before its body is read.
//  2. All bodies being read or judged share a budget of memory ([Limits.BodyMemory]); beyond it the answer is 503.
//  3. Every request has a deadline ([Limits.Request]); reading, writing and idling have theirs.
//  4. A long form is read by its endpoint while it comes ([Limits.StreamBytes], [Limits.Streams]); its sender keeps a pace.
//  5. A body that was not read to its end closes the connection, so that its rest is never taken for a request.
//
// # Concurrency
//
// A [Server] is safe for concurrent use. Shutdown stops listening, lets requests in flight finish until its context
// ends, and cancels the rest.
//
// # Deviations
//
// The search of debts by IIN is a POST that takes no Idempotency-Key: it changes nothing, and a GET would write
// personal identification numbers into the logs of every proxy on the way.
package api
