"""The terminal's driver, for what Textual's does not bear."""

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Goes on reading keys after bytes that are no UTF-8, such as a Latin-1 terminal sends for an é."""

    def run_input_thread(self) -> None:
        while True:
            try:
                return super().run_input_thread()
            except UnicodeDecodeError:  # what was read together with such bytes is lost
                continue
