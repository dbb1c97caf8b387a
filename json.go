package websockets

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// ReceiveJSON waits for the next message and decodes it, text or binary, into
// what v points to, as [json.Unmarshal] does.
//
// A message that is not the JSON that v asks for is an [ErrInvalidData] that
// wraps the error of package json. It costs that message alone: the connection
// goes on, but a handler that returns the error closes it with 1007.
func (c *Conn) ReceiveJSON(ctx context.Context, v any) error {
	if p := reflect.ValueOf(v); p.Kind() != reflect.Pointer || p.IsNil() {
		return &Error{Kind: ErrMisuse, Code: Abnormal, Err: &json.InvalidUnmarshalError{Type: reflect.TypeOf(v)}, conn: c}
	}
	_, p, err := c.Receive(ctx)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(p, v); err != nil {
		return &Error{
			Kind: ErrInvalidData, Code: InvalidData, Reason: "not the JSON that was asked for", Remote: true,
			Err: fmt.Errorf("websocket: the message is not the JSON that was asked for: %w", err), conn: c,
		}
	}
	return nil
}

// SendJSON sends v, encoded as [json.Marshal] does, as a Text. A value that has
// no JSON is an [ErrMisuse] that wraps the error of package json, and nothing is
// sent.
func (c *Conn) SendJSON(ctx context.Context, v any) error {
	p, err := json.Marshal(v)
	if err != nil {
		return &Error{Kind: ErrMisuse, Code: Abnormal, Err: fmt.Errorf("websocket: cannot send %T as JSON: %w", v, err), conn: c}
	}
	return c.Send(ctx, Text, p)
}
