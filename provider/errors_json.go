package provider

import (
	"encoding/json"
	"time"
)

// wireError is an Error in JSON.
type wireError struct {
	Kind       Kind    `json:"kind"`
	Provider   string  `json:"provider"`
	Account    string  `json:"account"`
	Op         string  `json:"op"`
	Outcome    Outcome `json:"outcome"`
	Status     int     `json:"status"`
	Code       string  `json:"code"`
	Message    string  `json:"message"`
	RequestID  string  `json:"request_id"`
	RetryAfter float64 `json:"retry_after_s"`
	Field      string  `json:"field"`
	Feature    Feature `json:"feature"`
}

// UnmarshalJSON reads what MarshalJSON wrote, so that a stored Receipt keeps its
// errors. The cause is not kept.
func (e *Error) UnmarshalJSON(data []byte) error {
	var wire wireError
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*e = Error{
		Kind: wire.Kind, Provider: wire.Provider, Account: wire.Account, Op: wire.Op, Outcome: wire.Outcome, Status: wire.Status,
		Code: wire.Code, Message: wire.Message, RequestID: wire.RequestID, RetryAfter: time.Duration(wire.RetryAfter * float64(time.Second)),
		Field: wire.Field, Feature: wire.Feature,
	}
	return nil
}
