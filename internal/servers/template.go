package servers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// roomyScratch is the free memory from which a file system in memory is taken for data that is thrown away: a cluster of a test is
// 40 MB, each of its databases 8 MB, and some run at a time. Docker's own gives 64 MB.
const roomyScratch = 2 << 30

// Scratch is the folder for data that is thrown away: in memory where there is room, else /tmp. A cluster is a thousand small
// files, and a disk can take a second to make them.
func Scratch() string {
	if freeIn("/dev/shm") >= roomyScratch {
		return "/dev/shm"
	}
	return "/tmp"
}

// copyTemplate puts a fresh cluster into dir by copying one that initdb made before, on this machine, by this version, for
// this user: a tenth of the time. For tests alone: nothing is synced.
func (p *place) copyTemplate(ctx context.Context, bins binaries, dir string) error {
	home, err := p.templateHome(bins)
	if err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(home, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot lock the template of test databases: %w", err)
	}
	defer lock.Close()
	// Many test binaries start at once, and the first one makes it. The wait is short: initdb takes a second or two.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("cannot lock the template of test databases: %w", err)
	}
	template := filepath.Join(home, "pg")
	count := filepath.Join(home, "entries")
	for range 2 {
		// What cleans /tmp by age takes single files out of it: so they are counted.
		want, err := os.ReadFile(count)
		if err == nil && string(want) == entriesIn(template) {
			if err := p.makeFolder(dir); err != nil {
				return err
			}
			return p.runTool(ctx, "/bin/cp", "-Rp", template+"/.", dir)
		}
		if err := errors.Join(os.RemoveAll(count), os.RemoveAll(template)); err != nil {
			return fmt.Errorf("cannot remove a damaged template of test databases: %w", err)
		}
		if err := p.initdb(ctx, bins, template, false); err != nil {
			return err
		}
		if err := os.WriteFile(count, []byte(entriesIn(template)), 0o600); err != nil {
			return err
		}
	}
	return fmt.Errorf("the template of test databases in %s does not stay as it was made: remove it", home)
}

// templateHome is the template's folder, in the first temporary folder that the servers' user can walk to.
func (p *place) templateHome(bins binaries) (string, error) {
	sum := sha256.Sum256([]byte(strings.Join(initdbFlags(), " ")))
	uid := os.Getuid()
	if p.owner != nil {
		uid = int(p.owner.uid)
	}
	name := fmt.Sprintf("lafia-initdb-%s-%d-%d-%s", bins.pgVersion, os.Getuid(), uid, hex.EncodeToString(sum[:3]))
	var why []string
	for _, tmp := range []string{Scratch(), os.TempDir(), "/tmp"} {
		home := filepath.Join(tmp, name)
		if err := os.Mkdir(home, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
			why = append(why, err.Error())
			continue
		}
		if owner, err := ownerOf(home); err != nil || owner != os.Getuid() {
			why = append(why, home+" belongs to another user")
			continue
		}
		if err := os.Chmod(home, 0o711); err != nil {
			why = append(why, err.Error())
			continue
		}
		if err := p.reaches(home); err != nil {
			why = append(why, err.Error())
			continue
		}
		return home, nil
	}
	return "", fmt.Errorf("no folder for the template of test databases: %s", strings.Join(why, "; "))
}

// entriesIn counts files and folders; a folder that is not there has none.
func entriesIn(dir string) string {
	n := 0
	_ = filepath.WalkDir(dir, func(string, fs.DirEntry, error) error { n++; return nil }) // an unreadable one counts as one
	return strconv.Itoa(n)
}
