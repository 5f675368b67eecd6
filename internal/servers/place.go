package servers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// longestSocket is what a socket's path may have: the systems allow 103 to 107 bytes, and above that PostgreSQL only warns and
// then listens nowhere.
const longestSocket = 100

// place is where one instance's servers keep what is theirs, and whose it is.
type place struct {
	data    string // the data folder: absolute, links resolved
	base    string // what holds pg and redis: data, or the folder it fell back to
	sockets string
	owner   *owner // whom the servers run as; nil is this process's user
	locks   []*os.File
}

// owner is the user that root's servers run as.
type owner struct {
	name     string
	uid, gid uint32
}

// memory is DATA/servers.json.
type memory struct {
	// Data is the folder that holds pg and redis; empty is the data folder itself, so that it may be moved.
	Data string `json:"data,omitempty"`
	// Sockets is the folder of the sockets.
	Sockets string `json:"sockets"`
}

// hold makes the data folder when it is missing, and takes its lock.
func hold(ctx context.Context, dir string) (*place, error) {
	if dir == "" {
		return nil, errors.New("no data folder was named")
	}
	data, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot find the data folder %s: %w", dir, err)
	}
	if err := makeDataFolder(data); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w; name another with --data", err)
	}
	if data, err = filepath.EvalSymlinks(data); err != nil {
		return nil, fmt.Errorf("cannot find the data folder: %w", err)
	}
	p := &place{data: data}
	if err := p.lock(ctx, data); err != nil {
		return nil, err
	}
	return p, nil
}

// makeDataFolder makes it 0700, or 0711 for root: then the servers' user must walk through it. A folder that is there already
// keeps its mode.
func makeDataFolder(data string) error {
	if err := os.MkdirAll(filepath.Dir(data), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o700)
	if os.Getuid() == 0 {
		mode = 0o711
	}
	err := os.Mkdir(data, mode)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(data, mode) // whatever the umask is
}

// lock takes dir's lock, until release or the end of this process.
func (p *place) lock(ctx context.Context, dir string) error {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot lock the data folder: %w", err)
	}
	// A look by Running holds it for a moment, and so does an instance that is just going.
	for range 20 {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		select {
		case <-ctx.Done():
			f.Close()
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder := make([]byte, 16)
		n, _ := f.ReadAt(holder, 0) // only a hint: who it is may not be written yet
		f.Close()
		who := ""
		if pid := strings.TrimSpace(string(holder[:n])); pid != "" {
			who = " (process " + pid + ")"
		}
		return fmt.Errorf("another lafia holds %s%s: stop it, or name another folder with --data", dir, who)
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("cannot lock %s: %w; is it on a network file system? name another folder with --data", path, err)
	}
	p.locks = append(p.locks, f)
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// release lets another instance have the data folder.
func (p *place) release() {
	if p.sockets != "" && p.sockets != filepath.Join(p.base, "run") {
		_ = os.RemoveAll(p.sockets) // a short folder in /tmp, made again at the next start; nothing to lose
	}
	for _, f := range p.locks {
		f.Close()
	}
	p.locks = nil
}

// wantedMajor is the PostgreSQL that made the data, 0 when there is none yet.
func (p *place) wantedMajor() int {
	dir := p.data
	if m, err := readMemory(p.data); err == nil && m.Data != "" { // settle reports the error
		dir = m.Data
	}
	return clusterMajor(filepath.Join(dir, "pg"))
}

// settle finds where the servers' folders are or can be, makes them, and locks them.
func (p *place) settle(log *slog.Logger) error {
	m, err := readMemory(p.data)
	if err != nil {
		return err
	}
	switch {
	case m.Data != "":
		p.base = m.Data
		if clusterMajor(filepath.Join(p.base, "pg")) == 0 {
			return fmt.Errorf("the database that %s names is gone: put %s back, or remove %s to begin with nothing",
				memoryPath(p.data), filepath.Join(p.base, "pg"), p.data)
		}
		err = p.prepare(p.base)
	case clusterMajor(filepath.Join(p.data, "pg")) != 0:
		p.base = p.data
		err = p.prepare(p.base)
	default:
		p.base, err = p.firstUsable(log)
	}
	if err != nil {
		return err
	}
	if p.base != p.data {
		// A copy of the data folder names the same place as the original.
		if err := p.lock(context.Background(), p.base); err != nil {
			return err
		}
	}
	return p.settleSockets(m.Sockets)
}

// firstUsable is the data folder when the servers' user can use it, else the first folder that user can.
func (p *place) firstUsable(log *slog.Logger) (string, error) {
	reason := p.prepare(p.data)
	if reason == nil {
		return p.data, nil
	}
	removeServerFolders(p.data)
	for _, base := range p.fallbacks() {
		sweepFallbacks(filepath.Dir(base))
		if err := makeFallback(base, p.data); err != nil {
			reason = errors.Join(reason, err)
			continue
		}
		if err := p.prepare(base); err != nil {
			reason = errors.Join(reason, err)
			continue
		}
		log.Info("the servers' data goes to another folder", "data", p.data, "folder", base, "because", reason.Error())
		return base, nil
	}
	return "", fmt.Errorf("no folder for the servers' data: %s; name another with --data",
		strings.ReplaceAll(reason.Error(), "\n", "; "))
}

// fallbacks are folders outside of the data folder, by its path; those that last before /tmp. A data folder that is itself
// temporary, as a test's, gets a temporary one.
func (p *place) fallbacks() []string {
	sum := sha256.Sum256([]byte(p.data))
	name := hex.EncodeToString(sum[:8])
	temporary := filepath.Join("/tmp", "lafia-"+strconv.Itoa(os.Getuid()), name)
	for _, tmp := range []string{"/tmp", os.TempDir(), Scratch()} {
		if strings.HasPrefix(p.data, filepath.Clean(tmp)+"/") {
			return []string{temporary}
		}
	}
	lasting := filepath.Join("/var/lib/lafia", name)
	if os.Getuid() != 0 {
		home, err := os.UserHomeDir()
		if err != nil {
			return []string{temporary}
		}
		lasting = filepath.Join(home, ".local", "state", "lafia", name)
	}
	return []string{lasting, temporary}
}

// makeFallback makes a folder and the one above it, and says in it whose it is.
func makeFallback(base, data string) error {
	if err := os.MkdirAll(filepath.Dir(filepath.Dir(base)), 0o755); err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(base), base} {
		if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		// In /tmp anybody could have made it first.
		if uid, err := ownerOf(dir); err != nil {
			return err
		} else if uid != os.Getuid() {
			return fmt.Errorf("%s belongs to another user", dir)
		}
		if err := os.Chmod(dir, 0o711); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(base, "origin"), []byte(data+"\n"), 0o600)
}

// sweepFallbacks removes from /tmp/lafia-UID what belongs to data folders that are gone: those of tests. A lasting folder is not
// touched, for its data folder may be on a disk that is not mounted now.
func sweepFallbacks(parent string) {
	if !strings.HasPrefix(parent, "/tmp/") {
		return
	}
	origins, _ := filepath.Glob(filepath.Join(parent, "*", "origin")) // its only error is a bad pattern
	for _, path := range origins {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if _, err := os.Lstat(strings.TrimSpace(string(data))); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		base := filepath.Dir(path)
		lock, err := os.OpenFile(filepath.Join(base, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil { // nobody uses it still
			_ = os.RemoveAll(base) // what stays is removed next time
		}
		lock.Close()
	}
}

// prepare decides whom the servers run as, and makes redis and run in base so that this user can use them.
func (p *place) prepare(base string) error {
	var err error
	if p.owner, err = ownerFor(filepath.Join(base, "pg")); err != nil {
		return err
	}
	for _, name := range []string{"redis", "run"} {
		if err := p.makeFolder(filepath.Join(base, name)); err != nil {
			return err
		}
	}
	return p.reaches(filepath.Join(base, "redis"))
}

// removeServerFolders undoes prepare; it leaves a folder that holds anything.
func removeServerFolders(base string) {
	for _, name := range []string{"redis", "run"} {
		_ = os.Remove(filepath.Join(base, name))
	}
}

// makeFolder makes dir, or takes the one that is there, as a folder that only the servers' user may enter.
func (p *place) makeFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("cannot make a folder for the servers: %w", err)
	}
	want := os.Getuid()
	if p.owner != nil {
		want = int(p.owner.uid)
		if err := os.Lchown(dir, want, int(p.owner.gid)); err != nil {
			return fmt.Errorf("cannot give a folder to the servers' user %s: %w", p.owner.name, err)
		}
	}
	uid, err := ownerOf(dir)
	if err != nil {
		return err
	}
	if uid != want {
		return fmt.Errorf("%s belongs to user %d, and the servers run as %d: run as the user who made it, or name another folder with --data", dir, uid, want)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("cannot close a folder of the servers to others: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm() != 0o700 {
		return fmt.Errorf("%s cannot be made a folder of mode 0700 on its file system", dir)
	}
	return nil
}

// reaches tries whether the servers' user can walk to dir, and names the folder where it cannot.
func (p *place) reaches(dir string) error {
	if p.owner == nil {
		return nil
	}
	try := func(dir string) error {
		cmd := exec.Command("/bin/sh", "-c", ":")
		p.dress(cmd)
		cmd.Dir = dir // entered after the change of user
		return cmd.Run()
	}
	if err := try("/"); err != nil {
		return fmt.Errorf("cannot run a program as the user %s: %w", p.owner.name, err)
	}
	if try(dir) == nil {
		return nil
	}
	at := "/"
	for part := range strings.SplitSeq(strings.TrimPrefix(dir, "/"), "/") {
		at = filepath.Join(at, part)
		if try(at) != nil {
			break
		}
	}
	return fmt.Errorf("the servers' user %s may not enter %s (chmod o+x %s would let it)", p.owner.name, at, at)
}

// settleSockets takes base/run, or a short folder in /tmp when a socket's path there would be too long for the system or hold
// what a connection string cannot: pgx and PostgreSQL take a comma for the end of a path.
func (p *place) settleSockets(last string) error {
	run := filepath.Join(p.base, "run")
	plain := strings.Trim(run, "/._-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
	if plain && len(filepath.Join(run, postgresSocket+".lock")) <= longestSocket {
		p.sockets = run
		return nil
	}
	// After a kill the last one is still there.
	if strings.HasPrefix(last, "/tmp/lafia-") && p.makeFolderIfThere(last) == nil {
		p.sockets = last
		return nil
	}
	dir, err := os.MkdirTemp("/tmp", "lafia-")
	if err != nil {
		return fmt.Errorf("cannot make a short folder for the sockets: %w", err)
	}
	p.sockets = dir
	return p.makeFolder(dir)
}

// makeFolderIfThere takes a folder of an earlier start: only one that belongs to the servers' user, for in /tmp its name may
// have been taken since.
func (p *place) makeFolderIfThere(dir string) error {
	want := os.Getuid()
	if p.owner != nil {
		want = int(p.owner.uid)
	}
	if uid, err := ownerOf(dir); err != nil {
		return err
	} else if uid != want {
		return fmt.Errorf("%s belongs to another user", dir)
	}
	return p.makeFolder(dir)
}

// dress makes cmd run as the servers' user, in a process group of its own, so that Ctrl-C in a terminal reaches lafia alone
// and lafia ends the servers in order; with nothing of our environment, and dying with us where the system can do that.
func (p *place) dress(cmd *exec.Cmd) {
	cmd.Dir = "/" // the user may be unable to enter ours
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.owner != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: p.owner.uid, Gid: p.owner.gid}
	}
	dieWithParent(cmd.SysProcAttr, syscall.SIGKILL)
}

// ownerFor is the user that the servers run as: nil, this process's user, unless that is root. A cluster that is there keeps
// its user. PostgreSQL refuses a uid that has no name.
func ownerFor(pg string) (*owner, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	var names []*user.User
	if uid, err := ownerOf(pg); err == nil && uid != 0 {
		if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
			names = append(names, u)
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			names = append(names, u)
		}
	}
	for _, u := range names {
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &owner{name: u.Username, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody: make one, or run lafia as another user")
}

func ownerOf(path string) (int, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("%s: its owner is unknown on this system", path)
	}
	return int(stat.Uid), nil
}

func memoryPath(data string) string { return filepath.Join(data, "servers.json") }

func readMemory(data string) (memory, error) {
	var m memory
	text, err := os.ReadFile(memoryPath(data))
	if errors.Is(err, os.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, fmt.Errorf("cannot read where the servers' data is: %s: %w", memoryPath(data), err)
	}
	return m, nil
}

// remember writes DATA/servers.json. It comes after the cluster was made: from then on its absence is an error.
func (p *place) remember() error {
	m := memory{Sockets: p.sockets}
	if p.base != p.data && clusterMajor(filepath.Join(p.base, "pg")) != 0 {
		m.Data = p.base
	}
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	path := memoryPath(p.data)
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot write where the servers' data is: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("cannot write where the servers' data is: %w", err)
	}
	return syncFolder(p.data)
}

// syncFolder makes a rename in dir last.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cannot sync %s: %w", dir, err)
	}
	return nil
}
