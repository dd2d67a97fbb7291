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
}
