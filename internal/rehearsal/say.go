package rehearsal

import "lafia/internal/locale"

// Say gives what says a message by its key in a language, its variables left as
// {name}: the words of a picture.
func Say(c *locale.Catalog, tag string) func(key string) string {
	words := c.Words(tag)
	return func(key string) string {
		args := map[string]string{}
		for _, name := range c.Placeholders(key) {
			args[name] = "{" + name + "}"
		}
		return words.Text(key, args)
	}
}
