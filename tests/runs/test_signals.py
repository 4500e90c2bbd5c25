"""Signals: at once where nobody asks for them, kept where somebody does."""

import os
import signal

import pytest

from gankit.runs.signals import ENDING, Ended, stop_on_signals


@pytest.fixture(autouse=True)
def _heeded():
    """Whoever runs the tests in the background may have them ignored."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDING)
def test_at_once_where_nobody_asks(number):
    with pytest.raises(Ended) as caught, stop_on_signals():
        os.kill(os.getpid(), number)
    assert caught.value.exit_code == (130 if number == signal.SIGINT else 75)
    assert isinstance(caught.value, KeyboardInterrupt)  # which no `except Exception` takes


def test_kept_where_somebody_asks_and_raised_after():
    with pytest.raises(Ended), stop_on_signals() as stop:
        with stop.asked():
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.signal == signal.SIGTERM
        pytest.fail("it is late, not lost")


def test_a_second_ctrl_c_waits_for_nobody():
    with pytest.raises(Ended), stop_on_signals() as stop, stop.asked():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("it goes on")


def test_what_is_ignored_stays_ignored_and_the_rest_is_put_back():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        handlers = [signal.getsignal(number) for number in ENDING]
        with stop_on_signals():
            os.kill(os.getpid(), signal.SIGHUP)
        assert [signal.getsignal(number) for number in ENDING] == handlers
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_end_has_nothing_left_to_stop():
    with stop_on_signals() as stop:
        stop.ignore()
        os.kill(os.getpid(), signal.SIGTERM)
