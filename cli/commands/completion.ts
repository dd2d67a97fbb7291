import { readFileSync } from 'node:fs';
import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** `zvmnet completion bash|zsh|fish`: prints what a shell needs to complete commands, options and their values. */
export function completionCommand(program: Command): void {
  const completion = tab(program, { completionCommandName: 'completion' });
  // Options of the whole command may stand behind any of its subcommands.
  for (const command of completion.commands.values())
    for (const option of program.options) {
      const name = option.long?.slice(2) ?? '';
      if (option.required) command.option(name, option.description, () => {});
      else command.option(name, option.description);
    }
  program.commands
    .find((command) => command.name() === 'completion')
    ?.hook('preAction', (_program, { args: [shell] }) => {
      if (shell === 'bash') process.stdout.write(`${readFileSync(WORDS, 'utf8')}${ONCE}`);
    })
    .hook('postAction', (_program, { args: [shell] }) => {
      if (shell === 'bash') process.stdout.write('fi\n');
    });
}

/** The part of the package bash-completion that the script needs; not every machine has the package. */
const WORDS = new URL('./completion-words.bash', import.meta.url);
/** The script's constants are read-only: when the same shell runs it again, as by a second reading of `.bashrc`, bash reports each as an error. */
const ONCE = 'if ! declare -F __zvmnet_complete > /dev/null; then\n';
