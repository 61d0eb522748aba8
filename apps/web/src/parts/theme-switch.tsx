import { useEffect, useState } from 'react';

const KEY = 'whydrop.theme';
const NEXT = { system: 'light', light: 'dark', dark: 'system' } as const;
type Theme = keyof typeof NEXT;

function saved(): Theme {
  const theme = localStorage.getItem(KEY);
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** Light, dark, or as the system is. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(saved);
  useEffect(() => {
    localStorage.setItem(KEY, theme);
    document.documentElement.style.colorScheme = theme === 'system' ? 'light dark' : theme;
  }, [theme]);
  return (
    <button
      type="button"
      className="quiet theme"
      onClick={() => setTheme(NEXT[theme])}
      title="Colours: system, light or dark"
    >
      <span aria-hidden="true">◐</span> {theme}
    </button>
  );
}
