package awslocal

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
)

// failure is an error answer of AWS.
type failure struct {
	Status  int // default 400
	Code    string
	Message string
}

func (f *failure) Error() string { return f.Code + ": " + f.Message }

func refuse(code, format string, args ...any) *failure {
	return &failure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refuse writes the failure in the words and the format of the service: JSON
// services say AccessDeniedException in JSON, S3 and STS AccessDenied in XML, SNS
// AuthorizationError.
func (in *incoming) refuse(w http.ResponseWriter, f *failure) {
	sent := *f
	if sent.Status == 0 {
		sent.Status = http.StatusBadRequest
	}
	switch in.service {
	case "s3", "sts", "sns":
		in.refuseXML(w, sent)
	case "lambda":
		refuseRuntime(w, sent)
	default:
		refuseJSON(w, sent)
	}
}

func refuseJSON(w http.ResponseWriter, f failure) {
	body, _ := json.Marshal(map[string]string{"__type": f.Code, "message": f.Message})
	w.Header().Set("X-Amzn-ErrorType", f.Code)
	writeBody(w, "application/x-amz-json-1.1", f.Status, body)
}

// refuseRuntime speaks as Lambda's runtime API.
func refuseRuntime(w http.ResponseWriter, f failure) {
	body, _ := json.Marshal(functionError{Type: f.Code, Message: f.Message})
	writeBody(w, "application/json", f.Status, body)
}

func (in *incoming) refuseXML(w http.ResponseWriter, f failure) {
	if f.Code == "AccessDeniedException" {
		f.Code, f.Status = "AccessDenied", http.StatusForbidden
		if in.service == "sns" {
			f.Code = "AuthorizationError"
		}
	}
	type details struct{ Code, Message string }
	inner := details{f.Code, f.Message}
	var body []byte
	if in.service != "s3" {
		body, _ = xml.Marshal(struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Error   details
		}{Error: inner})
	} else {
		body, _ = xml.Marshal(struct {
			XMLName xml.Name `xml:"Error"`
			details
		}{details: inner})
	}
	writeBody(w, "text/xml", f.Status, body)
}

func writeBody(w http.ResponseWriter, contentType string, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
