/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the manual pages and the shells' completions at build time, out of the same tables that the
 * program works by and of the prose beside this file. Fails when the two do not fit: an option, a
 * command or a field of config.json that nobody has described, and words about one that is not
 * there.
 *
 *	generate page COMMAND PROSE	a page of section 1; "knarr" is the program itself. Its
 *					lists stand for the lines @OPTIONS@ and @COMMANDS@
 *	generate config PROSE		knarr-config(5)
 *	generate completion SHELL	bash, zsh or fish
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/path.h"
#include "cli/cli.h"
#include "oci-spec/annotations.h"
#include "oci-spec/tables.h"

static int fail(const char *what, const char *which)
{
	(void)fprintf(stderr, "generate: %s: %s\n", what, which);
	return EXIT_FAILURE;
}

/* Text as roff takes it: no control line by accident, hyphens that can be searched for. */
static void roff(const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			(void)fputs("\\&", stdout);
		if (*text == '-')
			(void)fputs("\\-", stdout);
		else if (*text == '\\')
			(void)fputs("\\e", stdout);
		else
			(void)putchar(*text);
		start = *text == '\n';
	}
}

static void title(const char *name, const char *section)
{
	(void)printf(".\\\" Made by man/generate.c\n.TH ");
	for (const char *c = name; *c; c++)
		(void)putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	(void)printf(" %s \"\" \"knarr %s\" \"knarr\"\n", section, KNARR_VERSION);
}

static void print_options(const struct option_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option *option = &table->options[i];

		if (!option->help)
			continue;
		(void)printf(".TP\n");
		if (option->letter)
			(void)printf("\\fB\\-%c\\fR, ", option->letter);
		(void)printf("\\fB\\-\\-");
		roff(option->name);
		(void)printf("\\fR");
		if (option->argument)
			(void)printf(" \\fI%s\\fR", option->argument);
		(void)printf("\n");
		roff(option->help);
		(void)printf("\n");
	}
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; cli_commands[i]; i++)
		if (strcmp(cli_commands[i]->name, name) == 0)
			return cli_commands[i];
	return NULL;
}

static void print_commands(void)
{
	for (size_t i = 0; cli_commands[i]; i++) {
		(void)printf(".TP\n\\fBknarr\\-%s\\fR(1)\n", cli_commands[i]->name);
		roff(cli_commands[i]->summary);
		(void)printf("\n");
	}
}

/* Line by line, with the lists where the prose wants them. */
static int print_prose(char *prose, const struct command *command)
{
	bool options = false;

	for (char *line = strtok(prose, "\n"); line; line = strtok(NULL, "\n")) {
		if (strcmp(line, "@OPTIONS@") == 0) {
			print_options(command ? &command->options : &cli_global_options);
			options = true;
		} else if (strcmp(line, "@COMMANDS@") == 0) {
			print_commands();
		} else {
			(void)printf("%s\n", line);
		}
	}
	return options ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_page(const char *name, char *prose)
{
	const struct command *command = strcmp(name, "knarr") == 0 ? NULL : find_command(name);
	char page[64];

	if (!command && strcmp(name, "knarr") != 0)
		return fail("no such command", name);
	(void)snprintf(page, sizeof(page), command ? "knarr-%s" : "%s", name);
	title(page, "1");
	(void)printf(".SH NAME\n");
	roff(page);
	(void)printf(" \\- ");
	roff(command ? command->summary : "run containers from OCI bundles");
	(void)printf("\n.SH SYNOPSIS\n\\fBknarr\\fR [\\fIglobal options\\fR] ");
	if (command)
		(void)printf("\\fB%s\\fR [\\fIoptions\\fR] %s\n", name, command->arguments);
	else
		(void)printf("\\fICOMMAND\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n");
	if (print_prose(prose, command) != EXIT_SUCCESS)
		return fail("no line @OPTIONS@ in the prose of", name);
	(void)printf(".SH SEE ALSO\n%s\n", command ? "\\fBknarr\\fR(1), \\fBknarr\\-config\\fR(5)"
						   : "\\fBknarr\\-config\\fR(5)");
	return EXIT_SUCCESS;
}

/* ---- config.json ---- */

/* The description of one field: "PATH: words", going on in lines that begin with a tab. */
struct words {
	const char *path, *text;
	bool used;
};
struct dictionary {
	struct words items[512];
	size_t count;
};

/* In place: to roff a line that begins with a blank is the begin of something new. */
static void drop_tabs(char *text)
{
	char *out = text;

	for (; *text; text++)
		if (*text != '\t')
			*out++ = *text;
	*out = '\0';
}

static int dictionary_parse(struct dictionary *dictionary, char *prose)
{
	for (char *line = prose, *next; line && *line; line = next) {
		char *colon;

		/* Lines that begin with a tab belong to the entry. */
		next = strchr(line, '\n');
		while (next && next[1] == '\t')
			next = strchr(next + 1, '\n');
		if (next)
			*next++ = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		colon = strstr(line, ": ");
		if (!colon)
			return fail("no colon in", line);
		if (dictionary->count == array_size(dictionary->items))
			return fail("too many entries at", line);
		*colon = '\0';
		drop_tabs(colon + 2);
		dictionary->items[dictionary->count++] = (struct words){line, colon + 2, false};
	}
	return EXIT_SUCCESS;
}

/* Fields that several objects share are described once: "**" stands for anything. */
static bool words_match(const char *pattern, const char *path)
{
	const char *star = strstr(pattern, "**");
	size_t before, after, length = strlen(path);

	if (!star)
		return strcmp(pattern, path) == 0;
	before = (size_t)(star - pattern);
	after = strlen(star + 2);
	return length >= before + after && strncmp(pattern, path, before) == 0 &&
	       strcmp(path + length - after, star + 2) == 0;
}

static struct words *dictionary_find(struct dictionary *dictionary, const char *path)
{
	struct words *best = NULL;

	for (size_t i = 0; i < dictionary->count; i++) {
		struct words *words = &dictionary->items[i];

		if (words_match(words->path, path) &&
		    (!best || strlen(words->path) > strlen(best->path)))
			best = words;
	}
	return best;
}

static const char *kind_name(const struct oci_field *field)
{
	switch ((enum oci_kind)field->kind) {
	case OCI_KIND_STRING:
		return "string";
	case OCI_KIND_BOOL:
	case OCI_KIND_OPT_BOOL:
		return "boolean";
	case OCI_KIND_WORD:
	case OCI_KIND_LETTER:
		return "word";
	case OCI_KIND_FLAGS:
	case OCI_KIND_OPT_FLAGS:
	case OCI_KIND_WORDS:
		return "list of words";
	case OCI_KIND_OBJECT:
	case OCI_KIND_EMBEDDED:
		return "object";
	case OCI_KIND_STRINGS:
		return "list of strings";
	case OCI_KIND_U32S:
		return "list of numbers";
	case OCI_KIND_OBJECTS:
		return "list of objects";
	case OCI_KIND_STRING_MAP:
		return "object of strings";
	case OCI_KIND_OBJECT_MAP:
		return "object of objects";
	case OCI_KIND_IGNORED:
		return "ignored";
	default:
		return "number";
	}
}

static void print_words(const struct oci_field *field)
{
	if (!field->words || !field->words[0].name)
		return;
	(void)printf(" One of: ");
	for (size_t i = 0; field->words[i].name; i++) {
		(void)printf("%s", i ? ", " : "");
		roff(field->words[i].name);
	}
	(void)printf(".");
}

/* Those that are more than text, behind the field that holds them. */
static int print_annotations(struct dictionary *dictionary)
{
	static const char *const supports[] = {
		[OCI_ANNOTATION_WORKS] = "annotation",
		[OCI_ANNOTATION_IGNORED] = "annotation, not supported: ignored",
		[OCI_ANNOTATION_REFUSED] = "annotation, not supported: an error",
	};

	for (const struct oci_annotation *known = oci_annotations; known->key; known++) {
		struct words *words;
		char path[512];

		(void)snprintf(path, sizeof(path), "annotations.%s", known->key);
		words = dictionary_find(dictionary, path);
		if (!words)
			return fail("nothing is said about the annotation", known->key);
		words->used = true;
		(void)printf(".TP\n\\fB%s%s\\fR (%s%s)\n", known->key,
			     known->key[strlen(known->key) - 1] == '.' ? "NAME" : "",
			     supports[known->support], known->path ? ", absolute path" : "");
		roff(words->text);
		for (size_t i = 0; known->words && known->words[i]; i++)
			(void)printf("%s%s", i ? ", " : " One of: ", known->words[i]);
		(void)printf("%s\n", known->words ? "." : "");
	}
	return EXIT_SUCCESS;
}

static int print_object(struct dictionary *dictionary, const struct oci_object *object,
			const char *prefix)
{
	for (size_t i = 0; i < object->count; i++) {
		const struct oci_field *field = &object->fields[i];
		struct words *words;
		char path[512];

		(void)snprintf(path, sizeof(path), "%s%s%s%s", prefix, *prefix ? "." : "",
			       field->name,
			       field->kind == OCI_KIND_OBJECTS	    ? "[]"
			       : field->kind == OCI_KIND_OBJECT_MAP ? ".NAME"
								    : "");
		words = dictionary_find(dictionary, path);
		if (!words)
			return fail("nothing is said about the field", path);
		words->used = true;
		(void)printf(".TP\n\\fB%s\\fR (%s%s)\n", path, kind_name(field),
			     field->need == OCI_REQUIRED ? ", required" : "");
		roff(words->text);
		print_words(field);
		(void)printf("\n");
		if (strcmp(path, "annotations") == 0 &&
		    print_annotations(dictionary) != EXIT_SUCCESS)
			return EXIT_FAILURE;
		if (field->object && print_object(dictionary, field->object, path) != EXIT_SUCCESS)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int print_config(char *prose)
{
	static struct dictionary dictionary;
	char *fields = strstr(prose, "@FIELDS@\n");

	if (!fields)
		return fail("no line @FIELDS@ in the prose of", "knarr-config");
	*fields = '\0';
	if (dictionary_parse(&dictionary, fields + strlen("@FIELDS@\n")) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	title("knarr-config", "5");
	(void)fputs(prose, stdout);
	(void)printf(".SH FIELDS\n");
	if (print_object(&dictionary, &oci_config_object, "") != EXIT_SUCCESS)
		return EXIT_FAILURE;
	for (size_t i = 0; i < dictionary.count; i++)
		if (!dictionary.items[i].used)
			return fail("there is no field", dictionary.items[i].path);
	(void)printf(".SH SEE ALSO\n\\fBknarr\\fR(1), \\fBknarr\\-check\\fR(1), "
		     "\\fBknarr\\-spec\\fR(1)\n");
	return EXIT_SUCCESS;
}

/* ---- completions ---- */

/* What a command's arguments are: ids where its usage begins with one. */
static bool takes_id(const struct command *command)
{
	return strncmp(command->arguments, "ID", 2) == 0 && strcmp(command->name, "create") != 0 &&
	       strcmp(command->name, "run") != 0;
}

static bool takes_file(const struct option *option)
{
	return option->argument &&
	       (strcmp(option->argument, "FILE") == 0 || strcmp(option->argument, "DIR") == 0 ||
		strcmp(option->argument, "PATH") == 0);
}

static void words_of(const struct option_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->options[i].help)
			(void)printf(" --%s", table->options[i].name);
}

static void names_with(const struct option_table *table, bool file)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option *option = &table->options[i];

		if (option->help && option->argument && takes_file(option) == file) {
			(void)printf("|--%s", option->name);
			if (option->letter)
				(void)printf("|-%c", option->letter);
		}
	}
}

static void all_names_with(bool file)
{
	(void)printf("\t''");
	names_with(&cli_global_options, file);
	for (size_t i = 0; cli_commands[i]; i++)
		names_with(&cli_commands[i]->options, file);
	(void)printf(")\n");
}

/* zsh reads it through bashcompinit. */
static void print_bash(void)
{
	(void)printf("# Completion of knarr(1) for bash. Made by man/generate.c.\n"
		     "_knarr()\n{\n"
		     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
		     "\tlocal command= root= i words=\n\n"
		     "\tcase $before in\n");
	all_names_with(true);
	(void)printf("\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n\t\treturn;;\n");
	all_names_with(false);
	(void)printf("\t\treturn;;\n\tesac\n"
		     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		     "\t\tcase ${COMP_WORDS[i]} in\n"
		     "\t\t--root) root=${COMP_WORDS[++i]};;\n\t\t''");
	names_with(&cli_global_options, true);
	names_with(&cli_global_options, false);
	(void)printf(") ((i++));;\n\t\t-*) ;;\n"
		     "\t\t*) command=${COMP_WORDS[i]}; break;;\n\t\tesac\n\tdone\n"
		     "\tcase $command in\n\t'') words='");
	for (size_t i = 0; cli_commands[i]; i++)
		(void)printf("%s ", cli_commands[i]->name);
	(void)printf("help");
	words_of(&cli_global_options);
	(void)printf("';;\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		(void)printf("\t%s) words='", cli_commands[i]->name);
		words_of(&cli_commands[i]->options);
		(void)printf("'");
		if (takes_id(cli_commands[i]))
			(void)printf("\n\t\t[[ $word == -* ]] || words=$(knarr ${root:+--root "
				     "\"$root\"} "
				     "list --quiet 2>/dev/null)");
		(void)printf(";;\n");
	}
	(void)printf("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
		     "complete -F _knarr knarr\n");
}

static void print_zsh(void)
{
	(void)printf("#compdef knarr\n# Completion of knarr(1) for zsh. Made by man/generate.c.\n"
		     "autoload -U +X bashcompinit && bashcompinit\n");
	print_bash();
}

static void print_fish_options(const struct option_table *table, const char *condition)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option *option = &table->options[i];

		if (!option->help)
			continue;
		(void)printf("complete -c knarr -n '%s' -l %s", condition, option->name);
		if (option->letter)
			(void)printf(" -s %c", option->letter);
		if (option->argument)
			(void)printf(takes_file(option) ? " -r -F" : " -x");
		(void)printf(" -d \"");
		for (const char *c = option->help; *c; c++)
			(void)printf(*c == '"' || *c == '$' || *c == '\\' ? "\\%c" : "%c", *c);
		(void)printf("\"\n");
	}
}

static void print_fish(void)
{
	(void)printf("# Completion of knarr(1) for fish. Made by man/generate.c.\n"
		     "complete -c knarr -f\n");
	print_fish_options(&cli_global_options, "__fish_use_subcommand");
	for (size_t i = 0; cli_commands[i]; i++) {
		const struct command *command = cli_commands[i];
		char condition[64];

		(void)snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s",
			       command->name);
		(void)printf("complete -c knarr -n __fish_use_subcommand -a %s -d \"%s\"\n",
			     command->name, command->summary);
		print_fish_options(&command->options, condition);
		if (takes_id(command))
			(void)printf("complete -c knarr -n '%s' -a '(knarr list --quiet "
				     "2>/dev/null)'\n",
				     condition);
	}
}

static int print_completion(const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		print_bash();
	else if (strcmp(shell, "zsh") == 0)
		print_zsh();
	else if (strcmp(shell, "fish") == 0)
		print_fish();
	else
		return fail("no such shell", shell);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	auto_free char *prose = NULL;
	const char *what = argc > 1 ? argv[1] : "";
	const char *file = argc > 3 ? argv[3] : argc > 2 ? argv[2] : "";
	int r = EXIT_FAILURE;

	if (strcmp(what, "completion") != 0 &&
	    io_read_file(AT_FDCWD, file, 0, 1 << 20, &prose, NULL) < 0)
		return fail("cannot read", file);
	if (strcmp(what, "page") == 0 && argc == 4)
		r = print_page(argv[2], prose);
	else if (strcmp(what, "config") == 0 && argc == 3)
		r = print_config(prose);
	else if (strcmp(what, "completion") == 0 && argc == 3)
		r = print_completion(argv[2]);
	else
		(void)fail("usage", "page COMMAND PROSE, config PROSE, completion SHELL");
	if (fflush(stdout) != 0)
		return fail("cannot write", what);
	return r;
}
