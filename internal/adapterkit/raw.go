package adapterkit

import "encoding/json"

// Raw is a record of an answer as JSON, nil when it cannot be written.
func Raw(record any) json.RawMessage {
	data, err := json.Marshal(record)
	if err != nil {
		return nil
	}
	return data
}
