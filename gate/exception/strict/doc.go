// Package strict reads YAML that people wrote into Go structs and reports
// everything that is wrong with it at once: each [Fault] names the file, the
// line, the path of the key and the mend.
//
// It is stricter than a YAML library's own strict mode: keys are case-sensitive,
// unknown ones are answered with the nearest known one, duplicate keys, a second
// document, a key without a value and an empty text in a list are faults. It
// knows nothing of what the keys mean; who does adds faults with [File.Faultf].
package strict
