package vault

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
)

// auditFile holds the first key of the audit. A gateway needs it for the first
// entry alone; from then on it belongs to whoever checks the chain, on another
// machine.
const auditFile = "audit.key"

// AuditFirst gives the first key of the audit; nil where it is kept elsewhere.
func (r *Ring) AuditFirst() []byte { return r.auditFirst }

// SealAudit seals the key of the audit's next entry. The database alone opens
// nothing: the key is derived from the capture key.
func (r *Ring) SealAudit(key []byte, seq int64) []byte {
	return r.audit.seal(nil, key, auditBound(seq))
}

// OpenAudit opens what SealAudit sealed.
func (r *Ring) OpenAudit(sealed []byte, seq int64) ([]byte, error) {
	k, err := r.audit.open(sealed, auditBound(seq))
	if err != nil {
		return nil, fmt.Errorf("opening the key of the audit's next entry: %w", err)
	}
	return k, nil
}

func auditBound(seq int64) []byte { return []byte("audit/" + strconv.FormatInt(seq, 10)) }

// CreateAudit makes the first key of the audit in a key folder that has none; made
// is false where it is there.
func CreateAudit(dir string) (made bool, err error) {
	err = writeNew(filepath.Join(dir, auditFile), hex.EncodeToString(randomBytes(KeySize)))
	switch {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("writing the audit's first key: %w", err)
	}
	return true, nil
}

// ReadAuditKey reads a first key of the audit from its file.
func ReadAuditKey(path string) ([]byte, error) { return readKey(path) }

// AuditKeyFile gives the path of the first key in a key folder.
func AuditKeyFile(dir string) string { return filepath.Join(dir, auditFile) }
