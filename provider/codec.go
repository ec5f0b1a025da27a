package provider

// JSONCodec writes and reads the JSON of requests and answers in place of
// encoding/json. It must honour json tags, json.Marshaler and json.Unmarshaler,
// refuse data behind the first value, and be safe for concurrent use. It should
// not escape HTML: that makes mails up to twice as large.
type JSONCodec interface {
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

// WithJSON makes codec write bodies and read answers that are JSON. Without it
// encoding/json reads them and writes most; bodies of mails may write themselves.
// Error answers, forms and what is shown of a request are not the codec's.
func WithJSON(codec JSONCodec) Option { return func(o *openOptions) { o.env.JSON = codec } }
